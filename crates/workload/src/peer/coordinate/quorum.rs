//! When enough owners of an item have replied, and when enough of them hold it. Pure.

use crate::peer::membership::{Fence, Layout, LayoutId, LayoutTransition};
use maquette_contract::ItemKey;
use std::collections::BTreeSet;

/// The owners of an item under one layout, and how many of them are required.
#[derive(Clone, Debug, PartialEq, Eq)]
struct OwnerSet {
    layout: LayoutId,
    names: Vec<String>,
    required: usize,
}

impl OwnerSet {
    fn new(layout: &Layout, key: &ItemKey, required: usize) -> Self {
        let names = layout.owners_of(key).into_iter().map(str::to_owned).collect();
        Self { layout: layout.id(), names, required }
    }

    fn is_met_by(&self, peers: &BTreeSet<String>) -> bool {
        self.names.iter().filter(|name| peers.contains(*name)).count() >= self.required
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
        let reads = transition
            .read_layouts()
            .map(|layout| OwnerSet::new(layout, key, layout.read_quorum()));
        let writes = transition
            .write_layouts()
            .map(|layout| OwnerSet::new(layout, key, layout.write_quorum()));
        Self { reads: reads.collect(), writes: writes.collect() }
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

    /// Whether every later read finds a write that these peers have on disk.
    pub(crate) fn is_durable_on(&self, by: &BTreeSet<String>) -> bool {
        self.writes.iter().all(|owners| owners.is_met_by(by))
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
            let quorum = Quorum::new(&settled, &key);
            let (written, replied) = (peers_of(written), peers_of(replied));
            if quorum.is_durable_on(&written) && quorum.is_readable_from(&replied) {
                prop_assert!(written.intersection(&replied).next().is_some());
            }
        }

        #[test]
        fn peers_in_adjacent_steps_read_each_others_writes(
            old in 1_usize..7, new in 1_usize..9, r in 1_u32..5, s in 1_u32..5, item in 0..500,
            written in any::<u32>(), replied in any::<u32>(), step in 0_usize..3,
            back in any::<bool>(),
        ) {
            let key = ItemKey::parse(&format!("orders/{item}")).unwrap();
            let (old, new) = (layout(0..old, r), layout(0..new, s));
            let mut copying = LayoutTransition::settled(old.clone());
            copying.retarget(&new);
            let mut prepared = copying.clone();
            prepared.mark_prepared();
            let steps =
                [LayoutTransition::settled(old), copying, prepared, LayoutTransition::settled(new)];
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
