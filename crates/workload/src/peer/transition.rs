//! Where a peer stands between one layout and the next. Pure.
//!
//! A layout is never swapped at once: peers read their configuration at different times, and
//! nobody may read where nobody writes any more. Each peer goes through these steps by itself:
//!
//! 1. *Settled*: reads and writes go to the owners under one layout.
//! 2. *Copying*: reads still go to the old owners, writes to the old and the new ones. Whoever
//!    holds items copies them to their new owners.
//! 3. *Prepared*: reads and writes go to both. A peer gets here once it sees that everybody
//!    concerned is at least copying, and has since then found all its items at their new owners.
//! 4. *Settled* under the new layout, once everybody concerned is prepared.
//!
//! So at any time there are peers in at most two neighbouring steps, and in each pair of
//! neighbours whatever the one writes the other reads.

use super::{
    layout::{Layout, LayoutId},
    report::{GossipReport, Reports, TransitionStep},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The layouts that count for a peer's reads and writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LayoutTransition {
    /// Read and written. Never empty; more than one after a change of mind half-way.
    current: Vec<Layout>,
    /// Where it goes.
    pending: Option<PendingLayout>,
}

/// The layout that a peer goes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct PendingLayout {
    layout: Layout,
    /// Whether it is read too; it is written in any case.
    prepared: bool,
}

/// What a newcomer heard from a peer: where that stands, or that it is as new.
pub(super) type PeerTransition = Option<LayoutTransition>;

impl LayoutTransition {
    /// Settled under one layout.
    pub(super) fn settled(layout: Layout) -> Self {
        Self { current: vec![layout], pending: None }
    }

    /// Where a newcomer that all others have told where they stand begins, if it wants `wanted`:
    /// everything that any of them may write or read counts.
    pub(super) fn for_newcomer(wanted: &Layout, heard: &[PeerTransition]) -> Self {
        let settled = Self::settled(wanted.clone());
        let standings: Vec<&LayoutTransition> = heard.iter().flatten().collect();
        // If one has settled, all others are prepared: nobody relies on anything older.
        if standings.is_empty() || standings.contains(&&settled) {
            return settled;
        }
        let mut base = vec![wanted.clone()];
        for layout in standings.iter().flat_map(|standing| standing.read_layouts()) {
            if !base.contains(layout) {
                base.push(layout.clone());
            }
        }
        let next =
            (base.len() > 1).then(|| PendingLayout { layout: wanted.clone(), prepared: false });
        Self { current: base, pending: next }
    }

    /// The layouts whose owners must be asked.
    pub(super) fn read_layouts(&self) -> impl Iterator<Item = &Layout> {
        let next = self.pending.iter().filter(|next| next.prepared).map(|next| &next.layout);
        self.current.iter().chain(next)
    }

    /// The layouts whose owners must get what is written.
    pub(super) fn write_layouts(&self) -> impl Iterator<Item = &Layout> {
        self.current.iter().chain(self.pending.iter().map(|next| &next.layout))
    }

    /// The layout under which items are to be whole.
    pub(super) fn target(&self) -> Option<&Layout> {
        self.pending.as_ref().map(|next| &next.layout).or(self.current.first())
    }

    /// Whether it is settled under this layout.
    pub(super) fn is_settled(&self) -> bool {
        self.pending.is_none() && self.current.len() == 1
    }

    /// Whether it has handed over all that it held: prepared to go to a layout without it. Others
    /// may then have settled, and no longer ask it.
    pub(super) fn has_handed_over(&self, me: &str) -> bool {
        self.pending.as_ref().is_some_and(|next| next.prepared && !next.layout.has_member(me))
    }

    /// Whether requests are to be answered by what this layout's owners say.
    fn reads_layout(&self, id: LayoutId) -> bool {
        self.read_layouts().any(|layout| layout.id() == id)
    }

    /// Heads for another layout. True if that changed anything.
    pub(super) fn retarget(&mut self, wanted: &Layout) -> bool {
        if self.target() == Some(wanted) {
            return false;
        }
        // What was prepared may be relied upon; what was only being copied, by nobody.
        if let Some(next) = self.pending.take().filter(|next| next.prepared)
            && !self.current.contains(&next.layout)
        {
            self.current.push(next.layout);
        }
        if self.current.as_slice() != std::slice::from_ref(wanted) {
            self.pending = Some(PendingLayout { layout: wanted.clone(), prepared: false });
        }
        true
    }

    /// Goes from copying to prepared.
    pub(super) fn mark_prepared(&mut self) {
        if let Some(next) = &mut self.pending {
            next.prepared = true;
        }
    }

    /// What a report says of this standing.
    pub(super) fn step(&self) -> TransitionStep {
        match &self.pending {
            None => TransitionStep::Settled,
            Some(next) if self.reads_layout(next.layout.id()) => TransitionStep::Prepared,
            Some(_) => TransitionStep::Copying,
        }
    }

    /// Everybody whose items or requests a move to the next layout is about.
    fn affected_peers(&self, reports: &Reports) -> BTreeSet<String> {
        let members = self.write_layouts().flat_map(|layout| layout.members()).cloned();
        // One that has left may still answer requests.
        members.chain(reports.live_peers().map(str::to_owned)).collect()
    }

    /// Takes the next step of a move, if what `reports` tell allows it. True if it did.
    pub(super) fn advance(&mut self, me: &str, reports: &Reports) -> bool {
        let Some(next) = self.pending.clone() else { return false };
        let target = next.layout.id();
        let concerned = self.affected_peers(reports);
        let reading = self.reads_layout(target);
        let of = |name: &String| reports.report_of(name).filter(|report| report.target == target);
        if !next.prepared && is_replicated_everywhere(&concerned, &next.layout, of) {
            self.mark_prepared();
            return true;
        }
        let prepared = |name: &String| of(name).is_some_and(GossipReport::reads_target);
        let all_prepared = next.prepared && concerned.iter().all(prepared);
        // A newcomer that comes late finds all others there already.
        let settled = |name: &String| {
            let knows_me = |report: &&GossipReport| {
                reports
                    .report_of(me)
                    .is_some_and(|mine| report.checked.get(me) == Some(&mine.incarnation))
            };
            of(name).filter(knows_me).is_some_and(|report| report.step == TransitionStep::Settled)
        };
        let mut others = next.layout.members().iter().filter(|name| *name != me).peekable();
        let all_settled = reading && others.peek().is_some() && others.all(settled);
        // One that leaves stays prepared: those who have settled write where it reads.
        let stays = next.layout.has_member(me);
        if stays && (all_prepared || all_settled) {
            *self = Self::settled(next.layout);
            return true;
        }
        false
    }
}

/// Whether everybody concerned heads for the layout, and has found its items at their owners there
/// since it knew that all the others do.
fn is_replicated_everywhere<'a>(
    concerned: &BTreeSet<String>,
    layout: &Layout,
    of: impl Fn(&String) -> Option<&'a GossipReport>,
) -> bool {
    concerned.iter().all(|name| {
        let Some(report) = of(name) else { return false };
        if report.step == TransitionStep::Removed {
            return true;
        }
        let checked = |other: &String| {
            of(other).is_some_and(|of| report.checked.get(other) == Some(&of.incarnation))
        };
        let blank = layout.has_member(name) && report.step == TransitionStep::Joining;
        !blank && concerned.iter().all(checked)
    })
}
