//! Whether a peer votes in quorums: what it may have forgotten. Pure.
//!
//! The rules, and why they lose no acknowledged write, are in [`super::memory`].

use super::{
    layout::{Layout, second_vote},
    memory::{VolumeId, VolumeTrust},
    phase::{MemberState, Phase},
    report::{GossipReport, Reports, TransitionStep},
    transition::LayoutTransition,
};
use maquette_contract::ItemKey;
use std::collections::BTreeSet;

impl MemberState {
    /// Whether its replies count for a quorum, whatever the item: one that it lacks was never
    /// written to it.
    pub(crate) fn counts_for_quorum(&self) -> bool {
        matches!(self.phase, Phase::Active(_))
            && self.trust.compared
            && !self.trust.outdated
            && self.trust.unchecked.is_empty()
    }

    /// Whether its reply for this item counts for a quorum. While some members have not checked its
    /// copies, it does if the owners among them and this peer could not acknowledge a write by
    /// themselves: then one of those that have checked them had every acknowledged version. If no
    /// owner is among them, none of them has a version that this peer lacks.
    pub(crate) fn votes_for(&self, own_name: &str, key: &ItemKey) -> bool {
        let Phase::Active(transition) = &self.phase else { return false };
        let may_lack = |layout: &Layout| {
            let owners = layout.owners_of(key);
            let second = second_vote(&owners);
            let votes = |name: &&&str| 1 + usize::from(second == Some(**name));
            let (own, others): (Vec<&&str>, Vec<&&str>) =
                owners.iter().partition(|name| **name == own_name);
            let unchecked: Vec<&&str> =
                others.into_iter().filter(|name| self.trust.unchecked.contains(**name)).collect();
            let all: usize = owners.iter().map(|name| votes(&name)).sum();
            let together: usize = own.iter().chain(&unchecked).map(votes).sum();
            !unchecked.is_empty() && together * 2 > all
        };
        self.trust.compared
            && !self.trust.outdated
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

    /// The volume turned out to be a snapshot of itself: it joins like an empty one. A peer that
    /// leaves cannot join; it hands over what it has, and votes for nothing.
    fn distrust_volume(&mut self, own_name: &str) {
        self.trust = VolumeTrust { known: true, outdated: true, ..VolumeTrust::default() };
        if self.configured.has_member(own_name) {
            self.phase = Phase::Joining;
            self.incarnation += 1;
        }
    }

    /// Notices when a majority of the members remember this peer's volume.
    pub(crate) fn notice_majority(&mut self, own_name: &str, reports: &Reports) {
        let members = self.configured.members();
        let remembering =
            members.iter().filter(|name| *name == own_name || remembers(reports, name, own_name));
        self.trust.known |= remembering.count() > members.len() / 2;
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
        let others = || reports.0.iter().filter(|(name, _)| *name != own_name);
        let is_ahead = |report: &GossipReport| {
            report.known.get(own_name).is_some_and(|known| known.is_ahead_of(boot, found))
        };
        let is_outdated = others().filter_map(|(_, peer)| peer.report.as_ref()).any(is_ahead);
        if is_outdated && matches!(self.phase, Phase::Active(_)) && !self.trust.filled {
            self.distrust_volume(own_name);
        }
        let is_heard = others().any(|(name, peer)| peer.live && remembers(reports, name, own_name));
        // A peer that may decide alone waits only for a while. The vote of any other peer counts
        // only together with that of a peer which it hears first.
        self.trust.compared |= is_heard
            || (waited && self.target().has_sole_owners())
            || self.configured.members().iter().all(|name| name == own_name);
    }
}

/// Whether the peer `name` remembers the peer `other`. One of an earlier release remembers nothing:
/// there is nothing to wait for.
fn remembers(reports: &Reports, name: &str, other: &str) -> bool {
    reports
        .report_of(name)
        .is_some_and(|report| report.progress.is_none() || report.known.get(other).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::membership::{GossipReport, ObservedPeer, VolumeProgress};
    use proptest::prelude::*;

    fn layout(members: usize, copies: u32) -> Layout {
        Layout::new((0..members).map(|ordinal| format!("p-{ordinal}")), copies).unwrap()
    }

    fn active(configured: Layout, transition: LayoutTransition, trust: VolumeTrust) -> MemberState {
        MemberState { incarnation: 1, configured, phase: Phase::Active(transition), trust }
    }

    proptest! {
        #[test]
        fn a_replaced_volume_waits_only_for_members_that_own_the_item(
            members in 2_usize..7, copies in 1_u32..5, item in 0..500, down in any::<u8>(),
        ) {
            let layout = layout(members, copies);
            let key = ItemKey::parse(&format!("orders/{item}")).unwrap();
            let unchecked: BTreeSet<String> = (1..members)
                .filter(|ordinal| down & (1 << ordinal) != 0)
                .map(|ordinal| format!("p-{ordinal}"))
                .collect();
            let owners = layout.owners_of(&key);
            let owns = owners.iter().any(|name| unchecked.contains(*name));
            let transition = LayoutTransition::settled(layout.clone());
            let trust = VolumeTrust::joined(unchecked.clone());
            let votes = active(layout.clone(), transition, trust).votes_for("p-0", &key);
            prop_assert!(votes || owns, "{unchecked:?} own nothing of {owners:?}");
            // What they and this peer acknowledged by themselves is known to no other.
            let all: usize = owners.len() + usize::from(owners.len().is_multiple_of(2));
            let second = second_vote(&owners);
            let together: usize = owners
                .iter()
                .filter(|name| **name == "p-0" || unchecked.contains(**name))
                .map(|name| 1 + usize::from(second == Some(*name)))
                .sum();
            prop_assert_eq!(votes, !(owns && together * 2 > all));
        }
    }

    #[test]
    fn a_leaving_peer_on_a_snapshot_hands_over_what_it_has_and_votes_for_nothing() {
        let key = ItemKey::parse("orders/1").unwrap();
        for (stays, step) in [(true, TransitionStep::Joining), (false, TransitionStep::Copying)] {
            let mut transition = LayoutTransition::settled(layout(3, 1));
            let configured = layout(if stays { 3 } else { 2 }, 1);
            transition.retarget(&configured);
            let mut state = active(configured, transition, VolumeTrust::joined(BTreeSet::new()));
            state.trust.filled = false;
            let mut report = GossipReport {
                incarnation: 1,
                target: state.target().id(),
                step: TransitionStep::Settled,
                checked: Default::default(),
                stopping: false,
                volume: Some(VolumeId(1)),
                progress: Some(VolumeProgress { boot: 1, mark: 1 }),
                known: Default::default(),
            };
            report.known.meet("p-2", VolumeId(2), VolumeProgress { boot: 5, mark: 9 });
            let address = ([127, 0, 0, 1], 1).into();
            let observed = ObservedPeer { report: Some(report), live: true, address };
            let reports = Reports([("p-0".to_owned(), observed)].into());
            for _ in 0..2 {
                state.compare_volume("p-2", (20, 7), &reports, true);
                while state.advance("p-2", &reports) {}
            }
            assert_eq!(state.reported_step(), step);
            assert!(state.trust.outdated);
            assert!(!state.votes_for("p-2", &key) && !state.counts_for_quorum());
        }
    }
}
