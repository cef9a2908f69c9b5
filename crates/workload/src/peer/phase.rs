//! Whether a peer takes part: new, taking part, or away. Pure.

use super::{
    layout::Layout,
    report::{Reports, TransitionStep},
    transition::{LayoutTransition, PeerTransition},
};
use std::collections::BTreeMap;

/// A peer's part in the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Its volume was empty, or is from before it left: it keeps what it is given, but what it
    /// does not have says nothing, and it answers no requests.
    Joining,
    /// It answers requests.
    Active(LayoutTransition),
    /// It is no member: it answers no requests.
    Removed,
}

/// All that a peer knows of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MemberState {
    /// Changes whenever the peer starts or changes its target.
    pub(super) incarnation: u64,
    /// What the configuration asks for.
    pub(super) configured: Layout,
    /// Its part.
    pub(super) phase: Phase,
}

impl MemberState {
    /// Where the peer `me` begins that finds `saved` on its volume.
    pub(super) fn from_saved(
        me: &str,
        stamp: u64,
        wanted: Layout,
        saved: Option<LayoutTransition>,
    ) -> Self {
        let phase = match saved.filter(|standing| !standing.has_handed_over(me)) {
            Some(standing) => Phase::Active(standing),
            // While it was down the others may have gone on without it.
            None if wanted.has_member(me) => Phase::Joining,
            None => Phase::Removed,
        };
        let mut state = Self { incarnation: stamp, configured: wanted, phase };
        state.advance(me, &Reports::default());
        state
    }

    /// The layout under which the peer makes its items whole.
    pub(super) fn target(&self) -> &Layout {
        match &self.phase {
            Phase::Active(standing) => standing.target().unwrap_or(&self.configured),
            Phase::Joining | Phase::Removed => &self.configured,
        }
    }

    /// How far the peer is, as it reports it.
    pub(super) fn reported_step(&self) -> TransitionStep {
        match &self.phase {
            Phase::Joining => TransitionStep::Joining,
            Phase::Removed => TransitionStep::Removed,
            Phase::Active(standing) => standing.step(),
        }
    }

    /// Whether what the peer does not have, nobody has given it.
    pub(super) fn counts_for_quorum(&self) -> bool {
        matches!(self.phase, Phase::Active(_))
    }

    /// Another configuration is in force. True if it asks for another layout.
    pub(super) fn set_configured(&mut self, wanted: Layout) -> bool {
        let changed = self.configured != wanted;
        if changed {
            self.configured = wanted;
            self.incarnation += 1;
        }
        changed
    }

    /// Takes one step towards what is wanted, if what `reports` tell allows it. True if it did.
    pub(super) fn advance(&mut self, me: &str, reports: &Reports) -> bool {
        let wanted = self.configured.clone();
        let member = wanted.has_member(me);
        match &mut self.phase {
            Phase::Joining if !member => self.phase = Phase::Removed,
            Phase::Removed if member => self.phase = Phase::Joining,
            Phase::Joining | Phase::Removed => return false,
            Phase::Active(standing) if standing.target() == Some(&wanted) => {
                return standing.advance(me, reports);
            }
            // Others no longer ask it what they do: it must begin anew.
            Phase::Active(standing) if standing.has_handed_over(me) => {
                self.phase = if member { Phase::Joining } else { Phase::Removed };
            }
            Phase::Active(standing) => {
                if !are_newcomers_ready(standing, &wanted, reports) || !standing.retarget(&wanted) {
                    return false;
                }
            }
        }
        self.incarnation += 1;
        true
    }

    /// Whether every other member has checked, since this peer started, that it has all its copies;
    /// then a blank peer may join.
    pub(super) fn is_checked_by_all(&self, me: &str, reports: &Reports) -> bool {
        let others = self.configured.members().iter().filter(|name| *name != me);
        let target = self.configured.id();
        others.map(|name| reports.report_of(name)).all(|report| {
            report.is_some_and(|report| {
                report.target == target && report.checked.get(me) == Some(&self.incarnation)
            })
        })
    }

    /// A blank peer joins, having heard from every other member where it stands.
    pub(super) fn complete_join(&mut self, heard: &BTreeMap<String, PeerTransition>) {
        if self.phase == Phase::Joining {
            let heard: Vec<PeerTransition> = heard.values().cloned().collect();
            self.phase = Phase::Active(LayoutTransition::for_newcomer(&self.configured, &heard));
        }
    }
}

/// Whether all that the wanted layout adds are up and ready to take copies: before that, no write
/// may depend on them.
fn are_newcomers_ready(standing: &LayoutTransition, wanted: &Layout, reports: &Reports) -> bool {
    let known = |name: &String| standing.write_layouts().any(|layout| layout.has_member(name));
    let there = |name: &String| {
        let same = reports.report_of(name).is_some_and(|report| report.target == wanted.id());
        reports.is_live(name) && same
    };
    wanted.members().iter().all(|name| known(name) || there(name))
}
