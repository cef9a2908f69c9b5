//! The reports that peers send by gossip, and all of them as one peer received them. Pure.

use super::{
    layout::LayoutId,
    memory::{VolumeId, VolumeMemory, VolumeProgress},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, net::SocketAddr};

/// The volumes of some peers, by name.
pub(crate) type Volumes = BTreeMap<String, VolumeId>;

/// How far a peer is on the way to its target; see [`super::transition`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum TransitionStep {
    /// Its volume was empty: an item that it lacks may exist.
    #[serde(alias = "blank")]
    Joining,
    /// It is no member and serves no requests.
    #[serde(alias = "away")]
    Removed,
    /// Reads follow the old layouts, writes the target too.
    Copying,
    /// Reads follow the target too.
    Prepared,
    /// Only the target is in force.
    Settled,
}

impl TransitionStep {
    /// The step as text, for the log.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Joining => "joining",
            Self::Removed => "removed",
            Self::Copying => "copying",
            Self::Prepared => "prepared",
            Self::Settled => "settled",
        }
    }
}

/// What a peer reports of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GossipReport {
    /// Grows whenever the peer starts or changes its target.
    #[serde(alias = "stamp")]
    pub(crate) incarnation: u64,
    /// The layout under which it replicates its items.
    pub(crate) target: LayoutId,
    /// How far it is on the way to the target.
    pub(crate) step: TransitionStep,
    /// The peers, with their incarnations, that had the same target when its last sweep started,
    /// without those to which the sweep could not send all copies.
    pub(crate) checked: BTreeMap<String, u64>,
    /// Whether a stop of the process was requested.
    pub(crate) stopping: bool,
    /// Its volume; `None` from a peer of an earlier release.
    #[serde(default)]
    pub(crate) volume: Option<VolumeId>,
    /// How far its volume is; `None` from a peer of an earlier release.
    #[serde(default)]
    pub(crate) progress: Option<VolumeProgress>,
    /// What it remembers of all volumes, on its own.
    #[serde(default)]
    pub(crate) known: VolumeMemory,
}

impl GossipReport {
    /// The report as JSON, with the names of 0.1 if peers that know only those receive it: they
    /// take a peer whose report they cannot read for one that is down.
    pub(super) fn to_json(&self, with_earlier_names: bool) -> serde_json::Result<String> {
        if !with_earlier_names {
            return serde_json::to_string(self);
        }
        let mut report = serde_json::to_value(self)?;
        report["stamp"] = self.incarnation.into();
        let step = match self.step {
            TransitionStep::Joining => "blank",
            TransitionStep::Removed => "away",
            step => step.as_str(),
        };
        report["step"] = step.into();
        if let Some(members) = report.as_object_mut() {
            members.remove("incarnation");
        }
        serde_json::to_string(&report)
    }

    /// Whether the peer that sent the report as this JSON knows only the names of 0.1.
    pub(super) fn has_only_earlier_names(&self, json: &str) -> bool {
        self.progress.is_none() && json.contains("\"stamp\"")
    }

    /// Whether its reads query the owners under the target.
    pub(crate) fn reads_target(&self) -> bool {
        matches!(
            self.step,
            TransitionStep::Prepared | TransitionStep::Settled | TransitionStep::Removed
        )
    }

    /// Whether it has sent this incarnation of the peer `name` all copies that it must have.
    pub(crate) fn has_checked(&self, name: &str, incarnation: u64) -> bool {
        self.checked.get(name) == Some(&incarnation)
    }
}

/// A peer as another one sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ObservedPeer {
    /// Its newest report; `None` before the first has arrived.
    pub(crate) report: Option<GossipReport>,
    /// Whether it is up and not stopping.
    pub(crate) live: bool,
    /// The address that its gossip comes from.
    pub(crate) address: SocketAddr,
}

/// All peers that one peer has received gossip from, and itself, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reports(pub(crate) BTreeMap<String, ObservedPeer>);

impl Reports {
    /// The newest report of a peer.
    pub(crate) fn report_of(&self, name: &str) -> Option<&GossipReport> {
        self.0.get(name).and_then(|peer| peer.report.as_ref())
    }

    /// The newest report of a peer; `None` if its target is another one.
    pub(crate) fn report_with_target(&self, name: &str, target: LayoutId) -> Option<&GossipReport> {
        self.report_of(name).filter(|report| report.target == target)
    }

    /// Whether a peer is up and not stopping.
    pub(crate) fn is_live(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|peer| peer.live)
    }

    /// The volume of each peer, as its newest report names it.
    pub(crate) fn volumes(&self) -> Volumes {
        let named = self
            .0
            .iter()
            .filter_map(|(name, peer)| Some((name.clone(), peer.report.as_ref()?.volume?)));
        named.collect()
    }

    /// The names of the peers that are up and not stopping.
    pub(crate) fn live_peers(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, peer)| peer.live).map(|(name, _)| name.as_str())
    }
}
