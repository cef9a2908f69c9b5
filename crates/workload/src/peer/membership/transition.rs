//! The transition of a peer from one layout to the next. Pure.
//!
//! A layout is never replaced at once: peers read their configuration at different times, and no
//! peer may read from owners that another peer no longer writes to. As in Raft's joint consensus,
//! two layouts are in force during the change. Each peer takes these steps by itself:
//!
//! 1. *Settled*: reads and writes go to the owners under one layout.
//! 2. *Copying*: reads still go to the old owners, writes to the old and the new ones. Every peer
//!    copies the items that it holds to their new owners.
//! 3. *Prepared*: reads and writes go to both. A peer takes this step when it sees that all
//!    affected peers are at least copying, and when each of them has since then found all its items
//!    at their new owners.
//! 4. *Settled* under the new layout, once all affected peers are prepared.
//!
//! So at any time the peers are in at most two adjacent steps, and of two peers in adjacent steps
//! each reads what the other writes.

use super::{
    layout::{Layout, LayoutId},
    report::{GossipReport, Reports, TransitionStep},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The layouts in force for a peer's reads and writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LayoutTransition {
    /// Read and written. Never empty; more than one if the configuration changed again during a
    /// transition. Its key on the volume is older than its name.
    #[serde(rename = "base")]
    current: Vec<Layout>,
    /// The layout that the peer moves to; `None` when settled.
    #[serde(rename = "next")]
    pending: Option<PendingLayout>,
    /// Whether second votes alone decide with an even number of copies; see
    /// [`LayoutTransition::keeps_plain_majorities`].
    #[serde(default)]
    second_votes: bool,
}

/// The layout that a peer moves to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct PendingLayout {
    layout: Layout,
    /// Whether it is read too; it is written in any case.
    prepared: bool,
}

/// The layouts in force at a peer, as it reports them to a joining one; `None` if it is joining
/// itself.
pub(crate) type PeerTransition = Option<LayoutTransition>;

impl LayoutTransition {
    /// Settled under one layout.
    pub(crate) fn settled(layout: Layout) -> Self {
        Self { current: vec![layout], pending: None, second_votes: false }
    }

    /// Where a joining peer starts that is configured with `target`: every layout that one of the
    /// `others` reads counts. They are all other members.
    pub(crate) fn for_newcomer(target: &Layout, others: &[PeerTransition]) -> Self {
        let settled = Self::settled(target.clone());
        let transitions: Vec<&LayoutTransition> = others.iter().flatten().collect();
        // If one has settled, all others are prepared: no peer relies on an older layout.
        if transitions.is_empty() || transitions.iter().any(|it| it.is_settled_under(target)) {
            return settled;
        }
        let mut current = vec![target.clone()];
        for layout in transitions.iter().flat_map(|transition| transition.read_layouts()) {
            if !current.contains(layout) {
                current.push(layout.clone());
            }
        }
        let pending =
            (current.len() > 1).then(|| PendingLayout { layout: target.clone(), prepared: false });
        Self { current, pending, second_votes: false }
    }

    /// Whether the rules of earlier releases hold besides second votes, for peers that know only
    /// those: a plain majority of an even number of copies to write, half of them to read.
    pub(crate) fn keeps_plain_majorities(&self) -> bool {
        !self.second_votes
    }

    /// All members know of second votes.
    pub(crate) fn drop_plain_majorities(&mut self) {
        self.second_votes |= self.target().is_some_and(Layout::has_second_votes);
    }

    /// Whether only this layout is in force.
    pub(crate) fn is_settled_under(&self, layout: &Layout) -> bool {
        self.is_settled() && self.target() == Some(layout)
    }

    /// The layouts whose owners must be read from.
    pub(crate) fn read_layouts(&self) -> impl Iterator<Item = &Layout> {
        let prepared = self.pending.iter().filter(|pending| pending.prepared);
        self.current.iter().chain(prepared.map(|pending| &pending.layout))
    }

    /// The layouts whose owners must be written to.
    pub(crate) fn write_layouts(&self) -> impl Iterator<Item = &Layout> {
        self.current.iter().chain(self.pending.iter().map(|pending| &pending.layout))
    }

    /// The layouts whose owners a read must query: the newest that all peers write to. See
    /// [`super::fence`].
    pub(super) fn required_read_layouts(&self) -> impl Iterator<Item = &Layout> {
        let prepared = self.pending.as_ref().filter(|pending| pending.prepared);
        let current = if prepared.is_some() { &[][..] } else { &self.current };
        current.iter().chain(prepared.map(|pending| &pending.layout))
    }

    /// The layouts whose owners a write must go to, so that every later read finds it. See
    /// [`super::fence`].
    pub(super) fn required_write_layouts(&self) -> impl Iterator<Item = &Layout> {
        let pending = self.pending.as_ref().filter(|pending| !pending.prepared);
        self.required_read_layouts().chain(pending.map(|pending| &pending.layout))
    }

    /// The layout under which items are to be fully replicated.
    pub(crate) fn target(&self) -> Option<&Layout> {
        self.pending.as_ref().map(|pending| &pending.layout).or(self.current.first())
    }

    /// Whether only one layout is in force.
    pub(crate) fn is_settled(&self) -> bool {
        self.pending.is_none() && self.current.len() == 1
    }

    /// Whether the peer has handed over all its items: it is prepared for a layout without it. The
    /// others may then have settled, and no longer query it.
    pub(crate) fn has_handed_over(&self, own_name: &str) -> bool {
        self.pending
            .as_ref()
            .is_some_and(|pending| pending.prepared && !pending.layout.has_member(own_name))
    }

    fn reads_layout(&self, id: LayoutId) -> bool {
        self.read_layouts().any(|layout| layout.id() == id)
    }

    /// Starts to move to another layout. Returns whether that changed anything.
    pub(crate) fn retarget(&mut self, target: &Layout) -> bool {
        if self.target() == Some(target) {
            return false;
        }
        // Members that are added may not know of second votes.
        self.second_votes = false;
        // Other peers may rely on a prepared layout, but not on one that was only being copied to.
        if let Some(pending) = self.pending.take().filter(|pending| pending.prepared)
            && !self.current.contains(&pending.layout)
        {
            self.current.push(pending.layout);
        }
        if self.current.as_slice() != std::slice::from_ref(target) {
            self.pending = Some(PendingLayout { layout: target.clone(), prepared: false });
        }
        true
    }

    /// Goes from copying to prepared.
    pub(crate) fn mark_prepared(&mut self) {
        if let Some(pending) = &mut self.pending {
            pending.prepared = true;
        }
    }

    /// The step, as the peer reports it.
    pub(crate) fn step(&self) -> TransitionStep {
        match &self.pending {
            None => TransitionStep::Settled,
            Some(pending) if self.reads_layout(pending.layout.id()) => TransitionStep::Prepared,
            Some(_) => TransitionStep::Copying,
        }
    }

    /// All peers that may hold items under a layout in force, or that still serve requests.
    fn affected_peers(&self, reports: &Reports) -> BTreeSet<String> {
        let members = self.write_layouts().flat_map(|layout| layout.members()).cloned();
        // A live peer that is no longer a member may still serve requests, unless it is removed.
        let serves = |name: &&str| {
            reports.report_of(name).is_none_or(|it| it.step != TransitionStep::Removed)
        };
        let others = reports.live_peers().filter(serves).map(str::to_owned);
        members.chain(others).collect()
    }

    /// Takes the next step if the reports allow it. Returns whether it did.
    pub(crate) fn advance(&mut self, own_name: &str, reports: &Reports) -> bool {
        let Some(pending) = self.pending.clone() else { return false };
        let affected = self.affected_peers(reports);
        if !pending.prepared && is_replicated_everywhere(&affected, &pending.layout, reports) {
            self.mark_prepared();
            return true;
        }
        // A peer that leaves stays prepared: peers that have settled write where it reads.
        if !pending.layout.has_member(own_name) {
            return false;
        }
        let all_prepared =
            pending.prepared && are_all_prepared(&affected, pending.layout.id(), reports);
        // A newcomer that comes late finds all others settled already.
        let all_settled = self.reads_layout(pending.layout.id())
            && are_others_settled(own_name, &pending.layout, reports);
        if all_prepared || all_settled {
            *self = Self::settled(pending.layout);
        }
        all_prepared || all_settled
    }
}

/// Whether all affected peers move to the layout, and each of them has completed a sweep that found
/// its items at their owners under it and that started after it saw all the others move there.
fn is_replicated_everywhere(
    affected: &BTreeSet<String>,
    layout: &Layout,
    reports: &Reports,
) -> bool {
    let target = layout.id();
    affected.iter().all(|name| {
        let Some(report) = reports.report_with_target(name, target) else { return false };
        if report.step == TransitionStep::Removed {
            return true;
        }
        let joining = layout.has_member(name) && report.step == TransitionStep::Joining;
        !joining
            && affected.iter().all(|other| {
                reports
                    .report_with_target(other, target)
                    .is_some_and(|of_other| report.has_checked(other, of_other.incarnation))
            })
    })
}

/// Whether all affected peers read from the owners under the target.
fn are_all_prepared(affected: &BTreeSet<String>, target: LayoutId, reports: &Reports) -> bool {
    affected.iter().all(|name| {
        reports.report_with_target(name, target).is_some_and(GossipReport::reads_target)
    })
}

/// Whether there are other members, all of them have settled, and all of them have sent this peer
/// the copies that it must have.
fn are_others_settled(own_name: &str, layout: &Layout, reports: &Reports) -> bool {
    let Some(own) = reports.report_of(own_name) else { return false };
    let mut others = layout.members().iter().filter(|name| *name != own_name).peekable();
    others.peek().is_some()
        && others.all(|name| {
            reports.report_with_target(name, layout.id()).is_some_and(|report| {
                report.step == TransitionStep::Settled
                    && report.has_checked(own_name, own.incarnation)
            })
        })
}
