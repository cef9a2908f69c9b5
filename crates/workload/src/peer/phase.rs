//! Whether a peer takes part: new, taking part, or away. Pure.

use super::{
    layout::Layout,
    report::{Reports, Step},
    standing::{Heard, Standing},
};
use std::collections::BTreeMap;

/// A peer's part in the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Its volume was empty, or is from before it left: it keeps what it is given, but what it
    /// does not have says nothing, and it answers no requests.
    Blank,
    /// It answers requests.
    Active(Standing),
    /// It is no member: it answers no requests.
    Away,
}

/// All that a peer knows of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    /// Changes whenever the peer starts or changes its target.
    pub(super) stamp: u64,
    /// What the configuration asks for.
    pub(super) wanted: Layout,
    /// Its part.
    pub(super) phase: Phase,
}

impl State {
    /// Where the peer `me` begins that finds `saved` on its volume.
    pub(super) fn start(me: &str, stamp: u64, wanted: Layout, saved: Option<Standing>) -> Self {
        let phase = match saved.filter(|standing| !standing.has_left(me)) {
            Some(standing) => Phase::Active(standing),
            // While it was down the others may have gone on without it.
            None if wanted.has(me) => Phase::Blank,
            None => Phase::Away,
        };
        let mut state = Self { stamp, wanted, phase };
        state.follow(me, &Reports::default());
        state
    }

    /// The layout under which the peer makes its items whole.
    pub(super) fn target(&self) -> &Layout {
        match &self.phase {
            Phase::Active(standing) => standing.target().unwrap_or(&self.wanted),
            Phase::Blank | Phase::Away => &self.wanted,
        }
    }

    /// How far the peer is, as it reports it.
    pub(super) fn step(&self) -> Step {
        match &self.phase {
            Phase::Blank => Step::Blank,
            Phase::Away => Step::Away,
            Phase::Active(standing) => standing.step(),
        }
    }

    /// Whether what the peer does not have, nobody has given it.
    pub(super) fn votes(&self) -> bool {
        matches!(self.phase, Phase::Active(_))
    }

    /// Another configuration is in force. True if it asks for another layout.
    pub(super) fn configure(&mut self, wanted: Layout) -> bool {
        let changed = self.wanted != wanted;
        if changed {
            self.wanted = wanted;
            self.stamp += 1;
        }
        changed
    }

    /// Takes one step towards what is wanted, if what `reports` tell allows it. True if it did.
    pub(super) fn follow(&mut self, me: &str, reports: &Reports) -> bool {
        let wanted = self.wanted.clone();
        let member = wanted.has(me);
        match &mut self.phase {
            Phase::Blank if !member => self.phase = Phase::Away,
            Phase::Away if member => self.phase = Phase::Blank,
            Phase::Blank | Phase::Away => return false,
            Phase::Active(standing) if standing.target() == Some(&wanted) => {
                return standing.advance(me, reports);
            }
            // Others no longer ask it what they do: it must begin anew.
            Phase::Active(standing) if standing.has_left(me) => {
                self.phase = if member { Phase::Blank } else { Phase::Away };
            }
            Phase::Active(standing) => {
                if !newcomers_are_there(standing, &wanted, reports) || !standing.retarget(&wanted) {
                    return false;
                }
            }
        }
        self.stamp += 1;
        true
    }

    /// Whether every other member has checked, since this peer started, that it has all its copies;
    /// then a blank peer may join.
    pub(super) fn is_checked_by_all(&self, me: &str, reports: &Reports) -> bool {
        let others = self.wanted.members().iter().filter(|name| *name != me);
        let target = self.wanted.id();
        others.map(|name| reports.get(name)).all(|report| {
            report.is_some_and(|report| {
                report.target == target && report.checked.get(me) == Some(&self.stamp)
            })
        })
    }

    /// A blank peer joins, having heard from every other member where it stands.
    pub(super) fn join(&mut self, heard: &BTreeMap<String, Heard>) {
        if self.phase == Phase::Blank {
            let heard: Vec<Heard> = heard.values().cloned().collect();
            self.phase = Phase::Active(Standing::join(&self.wanted, &heard));
        }
    }
}

/// Whether all that the wanted layout adds are up and ready to take copies: before that, no write
/// may depend on them.
fn newcomers_are_there(standing: &Standing, wanted: &Layout, reports: &Reports) -> bool {
    let known = |name: &String| standing.writes().any(|layout| layout.has(name));
    let there = |name: &String| {
        let same = reports.get(name).is_some_and(|report| report.target == wanted.id());
        reports.is_live(name) && same
    };
    wanted.members().iter().all(|name| known(name) || there(name))
}
