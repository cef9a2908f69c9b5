//! What peers tell each other by gossip, and what one peer makes of it. Pure.

use super::layout::LayoutId;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, net::SocketAddr};

/// How far a peer is on the way to its target; see [`super::standing`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum TransitionStep {
    /// Its volume was empty: it must not be asked for what it may have lost.
    Joining,
    /// It is no member and answers no requests.
    Removed,
    /// Reads follow the old layouts, writes the target too.
    Copying,
    /// Reads follow the target too.
    Prepared,
    /// Only the target counts.
    Settled,
}

/// What a peer says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GossipReport {
    /// Changes whenever the peer starts or changes its target.
    pub(super) incarnation: u64,
    /// The layout under which it makes its items whole.
    pub(super) target: LayoutId,
    /// How far it is.
    pub(super) step: TransitionStep,
    /// The peers that it knew to have the same target, with their stamps, when it last began to
    /// check its items; without those that then lacked one of them.
    pub(super) checked: BTreeMap<String, u64>,
    /// Whether it was asked to stop.
    pub(super) stopping: bool,
}

impl GossipReport {
    /// Whether its reads ask the owners under the target.
    pub(super) fn reads_target(&self) -> bool {
        matches!(
            self.step,
            TransitionStep::Prepared | TransitionStep::Settled | TransitionStep::Removed
        )
    }
}

/// A peer as another one sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ObservedPeer {
    /// Its newest report; none before the first has come.
    pub(super) report: Option<GossipReport>,
    /// Whether it is up and not about to stop.
    pub(super) live: bool,
    /// Where its gossip comes from.
    pub(super) address: SocketAddr,
}

/// All peers that one peer knows of, itself among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reports(pub(super) BTreeMap<String, ObservedPeer>);

impl Reports {
    /// The newest report of a peer.
    pub(super) fn report_of(&self, name: &str) -> Option<&GossipReport> {
        self.0.get(name).and_then(|seen| seen.report.as_ref())
    }

    /// Whether a peer is up.
    pub(super) fn is_live(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|seen| seen.live)
    }

    /// The peers that are up.
    pub(super) fn live_peers(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, seen)| seen.live).map(|(name, _)| name.as_str())
    }
}
