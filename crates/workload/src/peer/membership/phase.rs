//! The phase of a peer: joining, active or removed. Pure.

use super::{
    layout::{Layout, second_vote},
    report::{Reports, TransitionStep},
    state_file::VolumeId,
    transition::{LayoutTransition, PeerTransition},
};
use maquette_contract::ItemKey;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Whether a peer serves requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Its volume was empty, is from before it was removed, or is a snapshot: it stores copies, but
    /// an item that it lacks may exist. It serves no requests.
    Joining,
    /// It serves requests, under the layouts in force.
    Active(LayoutTransition),
    /// It is no member and serves no requests.
    Removed,
}

/// How far the copies on a peer's volume may be relied on; see [`super::memory`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct VolumeTrust {
    /// Whether the volume was empty and has acknowledged nothing yet. Then the peer stores no copy.
    pub(crate) fresh: bool,
    /// The members that were down when the peer joined: it votes for no item of which only they
    /// and itself may have had the newest version.
    pub(crate) unchecked: BTreeSet<String>,
    /// Whether others remember a later mark of the volume: it is a snapshot.
    pub(crate) outdated: bool,
    /// Whether this start has compared the volume with what others remember. Before that, the peer
    /// votes for nothing.
    #[serde(skip)]
    pub(crate) compared: bool,
    /// Whether the volume was filled, or began, in this start: it is no snapshot any more.
    #[serde(skip)]
    pub(crate) filled: bool,
}

impl VolumeTrust {
    /// Of a peer that votes, except for items of which `unchecked` members may have more.
    pub(crate) fn joined(unchecked: BTreeSet<String>) -> Self {
        Self { unchecked, compared: true, filled: true, ..Self::default() }
    }
}

/// The state of a peer itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MemberState {
    /// Grows whenever the peer starts or changes its target.
    pub(crate) incarnation: u64,
    /// The layout of the configuration.
    pub(crate) configured: Layout,
    /// The phase that it is in.
    pub(crate) phase: Phase,
    /// How far the copies on its volume may be relied on.
    pub(crate) trust: VolumeTrust,
}

impl MemberState {
    /// The state in which the peer `own_name` starts that finds `saved` on its volume.
    pub(crate) fn from_saved(
        own_name: &str,
        incarnation: u64,
        configured: Layout,
        saved: Option<LayoutTransition>,
        trust: VolumeTrust,
    ) -> Self {
        let phase = match saved.filter(|transition| !transition.has_handed_over(own_name)) {
            Some(transition) => Phase::Active(transition),
            // While it was down the others may have settled without it.
            None if configured.has_member(own_name) => Phase::Joining,
            None => Phase::Removed,
        };
        let mut state = Self { incarnation, configured, phase, trust };
        state.advance(own_name, &Reports::default());
        state
    }

    /// The layout under which the peer replicates its items.
    pub(crate) fn target(&self) -> &Layout {
        match &self.phase {
            Phase::Active(transition) => transition.target().unwrap_or(&self.configured),
            Phase::Joining | Phase::Removed => &self.configured,
        }
    }

    /// The step, as the peer reports it.
    pub(crate) fn reported_step(&self) -> TransitionStep {
        match &self.phase {
            Phase::Joining => TransitionStep::Joining,
            Phase::Removed => TransitionStep::Removed,
            Phase::Active(transition) => transition.step(),
        }
    }

    /// Whether its replies count for a quorum, whatever the item: one that it lacks was never
    /// written to it.
    pub(crate) fn counts_for_quorum(&self) -> bool {
        matches!(self.phase, Phase::Active(_))
            && self.trust.compared
            && self.trust.unchecked.is_empty()
    }

    /// Whether its reply for this item counts for a quorum. While some members have not checked its
    /// copies, it does if they and this peer could not acknowledge a write by themselves: then one
    /// of those that have checked them had every acknowledged version.
    pub(crate) fn votes_for(&self, own_name: &str, key: &ItemKey) -> bool {
        let Phase::Active(transition) = &self.phase else { return false };
        let may_lack = |layout: &Layout| {
            let owners = layout.owners_of(key);
            let second = second_vote(&owners);
            let votes = |name: &&&str| 1 + usize::from(second == Some(**name));
            let unchecked = owners
                .iter()
                .filter(|name| **name == own_name || self.trust.unchecked.contains(**name));
            let all: usize = owners.iter().map(|name| votes(&name)).sum();
            unchecked.map(|name| votes(&name)).sum::<usize>() * 2 > all
        };
        self.trust.compared
            && (self.trust.unchecked.is_empty() || !transition.write_layouts().any(may_lack))
    }

    /// Removes the members that have checked this peer's copies meanwhile. During a transition they
    /// check only what belongs to it afterwards; it ends only once each of them has.
    pub(crate) fn clear_checked(&mut self, own_name: &str, reports: &Reports) {
        let target = match &self.phase {
            Phase::Active(transition) if transition.is_settled() => self.target().clone(),
            _ => return,
        };
        let incarnation = self.incarnation;
        self.trust.unchecked.retain(|name| {
            let report = reports.report_with_target(name, target.id());
            target.has_member(name)
                && !report.is_some_and(|it| it.has_checked(own_name, incarnation))
        });
    }

    /// The volume turned out to be a snapshot of itself: it joins like an empty one.
    pub(crate) fn distrust_volume(&mut self) {
        self.trust = VolumeTrust { outdated: true, ..VolumeTrust::default() };
        if let Phase::Active(_) = self.phase {
            self.phase = Phase::Joining;
            self.incarnation += 1;
        }
    }

    /// Follows what the others remember of a new volume: it begins to vote once a majority of the
    /// members remember it as the first under its name, and joins like a replaced one if that cannot
    /// happen. `waited` says that the members that are not up had time to come up.
    pub(crate) fn begin_if_known(
        &mut self,
        own_name: &str,
        volume: VolumeId,
        reports: &Reports,
        waited: bool,
    ) {
        if !self.trust.fresh || self.phase != Phase::Joining {
            return;
        }
        let target = self.configured.id();
        let others = || self.configured.members().iter().filter(|name| *name != own_name);
        let mut remembering = 1;
        for name in others() {
            let Some(report) = reports.report_of(name) else { continue };
            let known = report.known.get(own_name).map(|known| known.first);
            // An earlier release does not remember; what moves to another layout, or has another
            // volume in mind, is no first start.
            if report.progress.is_none()
                || known.is_some_and(|first| first != Some(volume))
                || report.target != target
                || !matches!(report.step, TransitionStep::Joining | TransitionStep::Settled)
            {
                self.trust.fresh = false;
                return;
            }
            remembering += usize::from(known.is_some() && reports.is_live(name));
        }
        let all = self.configured.members().len();
        if remembering == all || (waited && remembering > all / 2) {
            let mut transition = LayoutTransition::settled(self.configured.clone());
            // Members that are not up yet are of this release too.
            transition.drop_plain_majorities();
            self.phase = Phase::Active(transition);
            self.trust = VolumeTrust::joined(BTreeSet::new());
        }
    }

    /// Notices when all members know of second votes. Until then the rules of earlier releases hold
    /// as well, for peers that know only those.
    pub(crate) fn adopt_second_votes(&mut self, own_name: &str, reports: &Reports) {
        let Phase::Active(transition) = &mut self.phase else { return };
        let knows = |name: &String| {
            name == own_name || reports.report_of(name).is_some_and(|it| it.progress.is_some())
        };
        let all_know = transition.target().is_some_and(|it| it.members().iter().all(knows));
        if transition.is_settled() && all_know {
            transition.drop_plain_majorities();
        }
    }

    /// Compares the volume, which had the mark `found` at the start `boot`, with what the others
    /// remember of it.
    pub(crate) fn compare_volume(
        &mut self,
        own_name: &str,
        (boot, found): (u64, u64),
        reports: &Reports,
        waited: bool,
    ) {
        let mut others = reports.0.iter().filter(|(name, _)| *name != own_name);
        // A peer that may decide alone does not wait for ever; the vote of another one counts only
        // beside that of a peer which it hears first.
        let mut compared = (waited && self.target().has_sole_owners())
            || self.configured.members().iter().all(|name| name == own_name);
        let is_outdated = others.any(|(_, peer)| {
            let Some(report) = &peer.report else { return false };
            let known = report.known.get(own_name);
            compared |= peer.live && (known.is_some() || report.progress.is_none());
            known.is_some_and(|known| known.is_ahead_of(boot, found))
        });
        if is_outdated && matches!(self.phase, Phase::Active(_)) && !self.trust.filled {
            self.distrust_volume();
        }
        self.trust.compared |= compared;
    }

    /// Sets the layout of the configuration. A different one begins a new incarnation.
    pub(crate) fn set_configured(&mut self, layout: Layout) {
        if self.configured != layout {
            self.configured = layout;
            self.incarnation += 1;
        }
    }

    /// Takes one step towards the configured layout if the reports allow it. Returns whether it
    /// did.
    pub(crate) fn advance(&mut self, own_name: &str, reports: &Reports) -> bool {
        let configured = self.configured.clone();
        let is_member = configured.has_member(own_name);
        match &mut self.phase {
            Phase::Joining if !is_member => self.phase = Phase::Removed,
            Phase::Removed if is_member => self.phase = Phase::Joining,
            Phase::Joining | Phase::Removed => return false,
            Phase::Active(transition) if transition.target() == Some(&configured) => {
                return transition.advance(own_name, reports);
            }
            // The others no longer write to it: it has to join again.
            Phase::Active(transition) if transition.has_handed_over(own_name) => {
                self.phase = if is_member { Phase::Joining } else { Phase::Removed };
            }
            Phase::Active(transition) => {
                if !are_newcomers_ready(transition, &configured, reports)
                    || !transition.retarget(&configured)
                {
                    return false;
                }
            }
        }
        self.incarnation += 1;
        true
    }

    /// The other members that have not checked, since this peer started, that it has all its
    /// copies. `None` if it must not become active: one of them is up, or none has checked it.
    pub(crate) fn unchecked_members(
        &self,
        own_name: &str,
        reports: &Reports,
    ) -> Option<BTreeSet<String>> {
        if self.phase != Phase::Joining || self.trust.fresh {
            return None;
        }
        let target = self.configured.id();
        let others = self.configured.members().iter().filter(|name| *name != own_name);
        let (checked, unchecked): (Vec<&String>, Vec<&String>) = others.partition(|name| {
            reports
                .report_with_target(name, target)
                .is_some_and(|report| report.has_checked(own_name, self.incarnation))
        });
        let may_join = unchecked.iter().all(|name| !reports.is_live(name))
            && (unchecked.is_empty() || !checked.is_empty());
        may_join.then(|| unchecked.into_iter().cloned().collect())
    }

    /// A joining peer becomes active; `others` are the transitions of all other members but the
    /// `unchecked` ones. Without those it does so only if the others have settled under its layout:
    /// then no peer relies on an older one.
    pub(crate) fn complete_join(&mut self, others: &[PeerTransition], unchecked: BTreeSet<String>) {
        let is_settled = |other: &LayoutTransition| other.is_settled_under(&self.configured);
        let have_settled =
            others.iter().flatten().all(is_settled) && others.iter().any(Option::is_some);
        if self.phase == Phase::Joining && (unchecked.is_empty() || have_settled) {
            self.phase = Phase::Active(LayoutTransition::for_newcomer(&self.configured, others));
            self.trust = VolumeTrust::joined(unchecked);
        }
    }
}

/// Whether all members that the configured layout adds are live and have the same target: before
/// that, no write may depend on them.
fn are_newcomers_ready(
    transition: &LayoutTransition,
    configured: &Layout,
    reports: &Reports,
) -> bool {
    let target = configured.id();
    configured.members().iter().all(|name| {
        transition.write_layouts().any(|layout| layout.has_member(name))
            || (reports.is_live(name) && reports.report_with_target(name, target).is_some())
    })
}
