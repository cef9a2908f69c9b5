//! The phase of a peer: joining, active or removed. Pure.

use super::{
    layout::Layout,
    memory::VolumeTrust,
    report::{Reports, TransitionStep},
    transition::{LayoutTransition, PeerTransition},
};
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
