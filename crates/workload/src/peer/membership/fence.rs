//! Which operations a replica takes part in: those under layouts that are still in force. Pure.
//!
//! A peer that was paused, or that is no longer a member, may coordinate a request under layouts
//! that the others have left. So every read and write names its layouts (a fencing token), and a
//! replica that has left them refuses, with the layouts in force at it. The coordinator adopts those
//! in addition to its own.
//!
//! The rules follow from the steps of a transition ([`super::transition`]):
//!
//! - A replica that has prepared a layout has seen all items at their owners under it, and all peers
//!   write there. A *read* that does not query those owners may miss a write of a peer that has
//!   settled.
//! - A replica that copies sweeps its items once. A *write* that it stores afterwards, and that does
//!   not go to the owners under the pending layout itself, would be missing there. The replica
//!   therefore checks after the write is on disk: what was stored earlier, the sweep finds.

use super::{
    layout::{Layout, LayoutId},
    phase::{MemberState, Phase},
    transition::LayoutTransition,
};
use serde::{Deserialize, Serialize};

/// The layouts whose owners an operation queries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fence {
    /// Of all reads.
    pub(crate) reads: Vec<LayoutId>,
    /// Of all writes; empty for an operation that only reads.
    pub(crate) writes: Vec<LayoutId>,
}

/// Why a replica takes no part in an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Refusal {
    /// Other layouts are in force here; the coordinator adopts them.
    OtherLayouts(LayoutTransition),
    /// It is no member, or joins under another layout.
    NoMember,
}

impl MemberState {
    /// Whether a read under these layouts may count on this peer.
    ///
    /// # Errors
    /// If the read does not query the owners under the newest layout that is read here.
    pub(crate) fn check_read(&self, fence: &Fence) -> Result<(), Refusal> {
        match &self.phase {
            Phase::Active(transition) => refuse_unless(
                are_covered(transition.required_read_layouts(), &fence.reads),
                transition,
            ),
            // Its reply counts for no quorum.
            Phase::Joining => Ok(()),
            Phase::Removed => Err(Refusal::NoMember),
        }
    }

    /// Whether a write under these layouts, which is on disk, may count on this peer.
    ///
    /// # Errors
    /// If a later reader may query only owners that the write does not go to.
    pub(crate) fn check_write(&self, fence: &Fence) -> Result<(), Refusal> {
        match &self.phase {
            Phase::Active(transition) => refuse_unless(
                are_covered(transition.required_write_layouts(), &fence.writes),
                transition,
            ),
            Phase::Joining if fence.writes.contains(&self.configured.id()) => Ok(()),
            Phase::Joining | Phase::Removed => Err(Refusal::NoMember),
        }
    }
}

fn are_covered<'a>(required: impl Iterator<Item = &'a Layout>, named: &[LayoutId]) -> bool {
    required.into_iter().all(|layout| named.contains(&layout.id()))
}

fn refuse_unless(is_covered: bool, transition: &LayoutTransition) -> Result<(), Refusal> {
    if is_covered { Ok(()) } else { Err(Refusal::OtherLayouts(transition.clone())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::membership::VolumeTrust;

    fn layout(members: usize) -> Layout {
        Layout::new((0..members).map(|ordinal| format!("p-{ordinal}")), 3).unwrap()
    }

    fn active(transition: LayoutTransition) -> MemberState {
        let configured = transition.target().unwrap().clone();
        let (phase, trust) = (Phase::Active(transition), VolumeTrust::default());
        MemberState { incarnation: 1, configured, phase, trust }
    }

    fn fence_of(transition: &LayoutTransition) -> Fence {
        Fence {
            reads: transition.read_layouts().map(Layout::id).collect(),
            writes: transition.write_layouts().map(Layout::id).collect(),
        }
    }

    /// The steps from three members to four and to five, in order.
    fn steps() -> Vec<LayoutTransition> {
        let mut steps = vec![LayoutTransition::settled(layout(3))];
        for members in [4, 5] {
            let mut copying = steps.last().unwrap().clone();
            copying.retarget(&layout(members));
            let mut prepared = copying.clone();
            prepared.mark_prepared();
            steps.extend([copying, prepared, LayoutTransition::settled(layout(members))]);
        }
        steps
    }

    #[test]
    fn a_replica_serves_peers_that_are_as_far_or_further() {
        let steps = steps();
        for (at, replica) in steps.iter().enumerate() {
            for coordinator in steps.iter().skip(at).take(2) {
                let fence = fence_of(coordinator);
                assert_eq!(active(replica.clone()).check_read(&fence), Ok(()));
                assert_eq!(active(replica.clone()).check_write(&fence), Ok(()));
            }
        }
    }

    #[test]
    fn a_replica_refuses_peers_under_a_layout_that_it_has_left() {
        let steps = steps();
        // Settled under four and under five members, against the steps before four were prepared.
        for (replica, left) in [(3, 0..2), (6, 0..5)] {
            for coordinator in &steps[left] {
                let (fence, state) = (fence_of(coordinator), active(steps[replica].clone()));
                let refused = Err(Refusal::OtherLayouts(steps[replica].clone()));
                assert_eq!(state.check_read(&fence), refused, "{coordinator:?}");
            }
        }
    }

    #[test]
    fn a_write_under_the_old_layout_alone_does_not_count_once_a_replica_copies() {
        let steps = steps();
        let refusal = active(steps[1].clone()).check_write(&fence_of(&steps[0])).unwrap_err();
        assert_eq!(refusal, Refusal::OtherLayouts(steps[1].clone()));
        let refusal = active(steps[2].clone()).check_read(&fence_of(&steps[0])).unwrap_err();
        assert_eq!(refusal, Refusal::OtherLayouts(steps[2].clone()));
    }

    #[test]
    fn a_removed_peer_takes_no_part_and_a_joining_one_only_under_its_own_layout() {
        let (fence, configured) = (fence_of(&LayoutTransition::settled(layout(3))), layout(3));
        let removed = MemberState {
            incarnation: 1,
            configured,
            phase: Phase::Removed,
            trust: VolumeTrust::default(),
        };
        assert_eq!(removed.check_read(&fence), Err(Refusal::NoMember));
        assert_eq!(removed.check_write(&fence), Err(Refusal::NoMember));
        let joining = MemberState { phase: Phase::Joining, ..removed.clone() };
        assert_eq!(joining.check_write(&fence), Ok(()));
        let elsewhere = MemberState { configured: layout(4), ..joining };
        assert_eq!(elsewhere.check_write(&fence), Err(Refusal::NoMember));
    }
}
