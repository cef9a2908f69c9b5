//! When enough owners of an item have replied, and when enough of them hold it. Pure.

use crate::peer::membership::{Fence, Layout, LayoutId, LayoutTransition, second_vote};
use maquette_contract::ItemKey;
use std::collections::BTreeSet;

/// The owners of an item under one layout, and how many of their votes are required.
#[derive(Clone, Debug, PartialEq, Eq)]
struct OwnerSet {
    layout: LayoutId,
    names: Vec<String>,
    /// The owner with two votes.
    second_vote: Option<String>,
    required: usize,
}

impl OwnerSet {
    /// Without second votes.
    fn plain(layout: &Layout, key: &ItemKey, required: usize) -> Self {
        let names = layout.owners_of(key).into_iter().map(str::to_owned).collect();
        Self { layout: layout.id(), names, second_vote: None, required }
    }

    /// A majority of the votes: the number of votes is odd, so that all majorities meet.
    fn majority(layout: &Layout, key: &ItemKey) -> Self {
        let second_vote = second_vote(&layout.owners_of(key)).map(str::to_owned);
        Self { second_vote, ..Self::plain(layout, key, layout.majority()) }
    }

    fn count(&self, peers: &BTreeSet<String>) -> usize {
        self.names.iter().filter(|name| peers.contains(*name)).count()
    }

    fn is_met_by(&self, peers: &BTreeSet<String>) -> bool {
        let second = self.second_vote.as_ref().is_some_and(|name| peers.contains(name));
        self.count(peers) + usize::from(second) >= self.required
    }
}

/// The owners that are required to read and to write one item, under every layout in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Quorum {
    reads: Vec<OwnerSet>,
    writes: Vec<OwnerSet>,
}

impl Quorum {
    /// The quorum of `key` during a transition.
    pub(crate) fn new(transition: &LayoutTransition, key: &ItemKey) -> Self {
        let plain =
            |layout: &&Layout| layout.has_second_votes() && transition.keeps_plain_majorities();
        let mut reads: Vec<OwnerSet> =
            transition.read_layouts().map(|layout| OwnerSet::majority(layout, key)).collect();
        reads.extend(
            transition
                .read_layouts()
                .filter(plain)
                .map(|layout| OwnerSet::plain(layout, key, layout.majority_complement())),
        );
        let mut writes: Vec<OwnerSet> =
            transition.write_layouts().map(|layout| OwnerSet::majority(layout, key)).collect();
        writes.extend(
            transition
                .write_layouts()
                .filter(plain)
                .map(|layout| OwnerSet::plain(layout, key, layout.majority())),
        );
        Self { reads, writes }
    }

    /// Requires the owners under further layouts too.
    pub(crate) fn extend(&mut self, transition: &LayoutTransition, key: &ItemKey) {
        let Self { reads, writes } = Self::new(transition, key);
        self.reads.extend(reads);
        self.writes.extend(writes);
    }

    /// The layouts that the quorum is under.
    pub(crate) fn fence(&self) -> Fence {
        let ids = |owners: &[OwnerSet]| owners.iter().map(|owners| owners.layout).collect();
        Fence { reads: ids(&self.reads), writes: ids(&self.writes) }
    }

    /// The owners of the item under all layouts in force.
    pub(crate) fn all_owners(&self) -> BTreeSet<String> {
        self.reads.iter().chain(&self.writes).flat_map(|owners| &owners.names).cloned().collect()
    }

    /// Whether the newest acknowledged write is among the replies of these peers.
    pub(crate) fn is_readable_from(&self, by: &BTreeSet<String>) -> bool {
        self.reads.iter().all(|owners| owners.is_met_by(by))
    }

    /// Whether all owners that are read are among these peers.
    pub(crate) fn has_all_owners(&self, peers: &BTreeSet<String>) -> bool {
        self.reads.iter().all(|owners| owners.names.iter().all(|name| peers.contains(name)))
    }

    /// Whether every later read finds a write that these peers have on disk.
    pub(crate) fn is_durable_on(&self, by: &BTreeSet<String>) -> bool {
        self.writes.iter().all(|owners| owners.is_met_by(by))
    }

    /// Whether a write on these disks survives the loss of any minority of the owners. With second
    /// votes half of the owners may be durable; a write does not stop there while more can reply.
    pub(crate) fn is_safe_on(&self, by: &BTreeSet<String>) -> bool {
        self.is_durable_on(by)
            && self.writes.iter().all(|owners| owners.count(by) > owners.names.len() / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn layout(members: std::ops::Range<usize>, replicas: u32) -> Layout {
        Layout::new(members.map(|ordinal| format!("p-{ordinal}")), replicas).unwrap()
    }

    fn peers_of(mask: u32) -> BTreeSet<String> {
        let ordinals = (0..20).filter(|bit| mask & (1 << bit) != 0);
        ordinals.map(|bit| format!("p-{bit}")).collect()
    }

    proptest! {
        #[test]
        fn every_read_quorum_shares_a_peer_with_every_write_quorum(
            members in 1_usize..9, replicas in 1_u32..6, item in 0..500,
            written in any::<u32>(), replied in any::<u32>(),
        ) {
            let key = ItemKey::parse(&format!("orders/{item}")).unwrap();
            let settled = LayoutTransition::settled(layout(0..members, replicas));
            let mut all_know = settled.clone();
            all_know.drop_plain_majorities();
            let (written, replied) = (peers_of(written), peers_of(replied));
            for (writer, reader) in
                [(&settled, &settled), (&settled, &all_know), (&all_know, &settled), (&all_know, &all_know)]
            {
                let writes = Quorum::new(writer, &key).is_durable_on(&written);
                if writes && Quorum::new(reader, &key).is_readable_from(&replied) {
                    prop_assert!(written.intersection(&replied).next().is_some());
                }
            }
        }

        #[test]
        fn peers_of_earlier_releases_and_those_that_keep_their_rules_see_each_others_writes(
            members in 1_usize..9, replicas in 1_u32..6, item in 0..500,
            written in any::<u32>(), replied in any::<u32>(),
        ) {
            let key = ItemKey::parse(&format!("orders/{item}")).unwrap();
            let layout = layout(0..members, replicas);
            let now = Quorum::new(&LayoutTransition::settled(layout.clone()), &key);
            let (written, replied) = (peers_of(written), peers_of(replied));
            let earlier = |required| OwnerSet::plain(&layout, &key, required);
            let meet = written.intersection(&replied).next().is_some();
            let earlier_write = earlier(layout.majority()).is_met_by(&written);
            prop_assert!(!earlier_write || !now.is_readable_from(&replied) || meet);
            let earlier_read = earlier(layout.majority_complement()).is_met_by(&replied);
            prop_assert!(!now.is_durable_on(&written) || !earlier_read || meet);
        }

        #[test]
        fn peers_in_adjacent_steps_read_each_others_writes(
            old in 1_usize..7, new in 1_usize..9, r in 1_u32..5, s in 1_u32..5, item in 0..500,
            written in any::<u32>(), replied in any::<u32>(), step in 0_usize..3,
            back in any::<bool>(), all_know in 0_u8..4,
        ) {
            let key = ItemKey::parse(&format!("orders/{item}")).unwrap();
            let (old, new) = (layout(0..old, r), layout(0..new, s));
            let mut copying = LayoutTransition::settled(old.clone());
            copying.retarget(&new);
            let mut prepared = copying.clone();
            prepared.mark_prepared();
            let mut steps =
                [LayoutTransition::settled(old), copying, prepared, LayoutTransition::settled(new)];
            // Peers notice at different times that all know of second votes.
            if all_know & 1 != 0 {
                steps[0].drop_plain_majorities();
            }
            if all_know & 2 != 0 {
                steps[3].drop_plain_majorities();
            }
            let (writer, reader) = (step, step + 1);
            let (writer, reader) = if back { (reader, writer) } else { (writer, reader) };
            let (written, replied) = (peers_of(written), peers_of(replied));
            let writes = Quorum::new(&steps[writer], &key).is_durable_on(&written);
            if writes && Quorum::new(&steps[reader], &key).is_readable_from(&replied) {
                prop_assert!(written.intersection(&replied).next().is_some());
            }
        }
    }

    #[test]
    fn of_two_copies_the_second_may_be_lost_and_of_four_any_one() {
        let key = ItemKey::parse("orders/1").unwrap();
        for copies in [2, 4] {
            let mut transition = LayoutTransition::settled(layout(0..copies, copies as u32));
            transition.drop_plain_majorities();
            let quorum = Quorum::new(&transition, &key);
            for lost in 0..copies {
                let rest = (0..copies).filter(|ordinal| *ordinal != lost);
                let rest = rest.map(|ordinal| format!("p-{ordinal}")).collect();
                let serves = copies == 4 || lost == 1;
                assert_eq!(quorum.is_readable_from(&rest), serves, "{lost} of {copies}");
                assert_eq!(quorum.is_durable_on(&rest), serves, "{lost} of {copies}");
            }
        }
    }

    #[test]
    fn a_write_waits_for_more_than_the_owner_with_two_votes() {
        let key = ItemKey::parse("orders/1").unwrap();
        let mut transition = LayoutTransition::settled(layout(0..2, 2));
        transition.drop_plain_majorities();
        let quorum = Quorum::new(&transition, &key);
        assert!(!quorum.is_safe_on(&peers_of(1)) && quorum.is_safe_on(&peers_of(3)));
    }

    #[test]
    fn with_three_copies_one_peer_may_be_lost_but_not_two() {
        let key = ItemKey::parse("orders/1").unwrap();
        let layout = layout(0..5, 3);
        let quorum = Quorum::new(&LayoutTransition::settled(layout.clone()), &key);
        let owners: Vec<String> = layout.owners_of(&key).into_iter().map(str::to_owned).collect();
        for lost in &owners {
            let rest = owners.iter().filter(|name| *name != lost).cloned().collect();
            assert!(quorum.is_readable_from(&rest) && quorum.is_durable_on(&rest));
        }
        let one = owners.iter().take(1).cloned().collect();
        assert!(!quorum.is_readable_from(&one) && !quorum.is_durable_on(&one));
    }
}
