//! What was acknowledged, and whether it is still there.

use maquette_contract::{Collection, ItemKey, Version};
use rand::{Rng, RngExt};
use std::{collections::HashMap, sync::Arc};

/// Items remembered at most; more can be written, but are not checked. Each takes about 250 bytes.
pub(super) const MAX_TRACKED_ITEMS: usize = 100_000;
/// How often a random choice is made before there is taken to be nothing of the right collection.
const MAX_TRIES: usize = 16;

/// Every item of which a write was acknowledged.
#[derive(Debug, Default)]
pub(super) struct DurabilityChecker {
    items: Vec<TrackedItem>,
    positions: HashMap<Arc<ItemKey>, usize>,
}

#[derive(Debug)]
struct TrackedItem {
    key: Arc<ItemKey>,
    /// The newest version acknowledged.
    version: Version,
    /// A read has missed this version, which has been counted.
    lost: bool,
}

/// What a read shows about what it should have found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DurabilityVerdict {
    /// It is as it should be.
    Intact,
    /// A write is lost, and nobody knew yet.
    NewlyLost,
    /// It is still lost.
    StillLost,
}

impl DurabilityChecker {
    /// How many items are remembered.
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// A write of `key` was acknowledged as `version`.
    pub(super) fn record_acknowledged(&mut self, key: &Arc<ItemKey>, version: Version) {
        if let Some(item) = self.tracked_item_mut(key) {
            if item.version < version {
                item.version = version;
                item.lost = false;
            }
        } else if self.items.len() < MAX_TRACKED_ITEMS {
            self.positions.insert(Arc::clone(key), self.items.len());
            self.items.push(TrackedItem { key: Arc::clone(key), version, lost: false });
        }
    }

    /// What a read of `key` that begins now must find at least.
    pub(super) fn acknowledged_version(&self, key: &ItemKey) -> Option<&Version> {
        self.tracked_item(key).map(|item| &item.version)
    }

    /// Judges a read that began when `known` had been acknowledged and that found `found`.
    pub(super) fn check_read(
        &mut self,
        key: &ItemKey,
        known: Option<&Version>,
        found: Option<&Version>,
    ) -> DurabilityVerdict {
        let Some(known) = known else { return DurabilityVerdict::Intact };
        let there = found.is_some_and(|found| found >= known);
        // If another version was acknowledged meanwhile, this read says nothing about that one.
        let Some(item) = self.tracked_item_mut(key).filter(|item| item.version == *known) else {
            return if there { DurabilityVerdict::Intact } else { DurabilityVerdict::NewlyLost };
        };
        let was_lost = std::mem::replace(&mut item.lost, !there);
        match (there, was_lost) {
            (true, _) => DurabilityVerdict::Intact,
            (false, false) => DurabilityVerdict::NewlyLost,
            (false, true) => DurabilityVerdict::StillLost,
        }
    }

    /// Any item of one of these collections.
    pub(super) fn random_item(
        &self,
        collections: &[Collection],
        random: &mut impl Rng,
    ) -> Option<Arc<ItemKey>> {
        if self.items.is_empty() {
            return None;
        }
        let choices = (0..MAX_TRIES).map(|_| random.random_range(0..self.items.len()));
        let mut keys = choices.filter_map(|place| self.items.get(place)).map(|item| &item.key);
        keys.find(|key| collections.contains(&key.collection)).cloned()
    }

    fn tracked_item(&self, key: &ItemKey) -> Option<&TrackedItem> {
        self.positions.get(key).and_then(|place| self.items.get(*place))
    }

    fn tracked_item_mut(&mut self, key: &ItemKey) -> Option<&mut TrackedItem> {
        self.positions.get(key).and_then(|place| self.items.get_mut(*place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Arc<ItemKey> {
        Arc::new(ItemKey::parse(text).unwrap())
    }

    fn version(millis: u64) -> Version {
        Version { millis, counter: 0, writer: "w".to_owned() }
    }

    /// Judges a read that begins and ends now.
    fn read(memory: &mut DurabilityChecker, found: Option<u64>) -> DurabilityVerdict {
        let key = key("items/1");
        let known = memory.acknowledged_version(&key).cloned();
        memory.check_read(&key, known.as_ref(), found.map(version).as_ref())
    }

    #[test]
    fn a_read_must_find_what_was_acknowledged_or_newer() {
        let mut memory = DurabilityChecker::default();
        assert_eq!(read(&mut memory, None), DurabilityVerdict::Intact);
        memory.record_acknowledged(&key("items/1"), version(5));
        assert_eq!(read(&mut memory, Some(5)), DurabilityVerdict::Intact);
        assert_eq!(read(&mut memory, Some(6)), DurabilityVerdict::Intact);
        assert_eq!(read(&mut memory, Some(4)), DurabilityVerdict::NewlyLost);
    }

    #[test]
    fn a_loss_that_goes_on_is_counted_once_and_a_new_one_again() {
        let mut memory = DurabilityChecker::default();
        memory.record_acknowledged(&key("items/1"), version(5));
        assert_eq!(read(&mut memory, None), DurabilityVerdict::NewlyLost);
        assert_eq!(read(&mut memory, Some(4)), DurabilityVerdict::StillLost);
        assert_eq!(read(&mut memory, Some(5)), DurabilityVerdict::Intact);
        assert_eq!(read(&mut memory, None), DurabilityVerdict::NewlyLost);
        memory.record_acknowledged(&key("items/1"), version(7));
        assert_eq!(read(&mut memory, Some(5)), DurabilityVerdict::NewlyLost);
    }

    #[test]
    fn what_is_acknowledged_while_a_read_is_under_way_does_not_concern_it() {
        let mut memory = DurabilityChecker::default();
        let key = key("items/1");
        memory.record_acknowledged(&key, version(5));
        let known = memory.acknowledged_version(&key).cloned();
        memory.record_acknowledged(&key, version(7));
        let found = memory.check_read(&key, known.as_ref(), Some(&version(5)));
        assert_eq!(found, DurabilityVerdict::Intact);
        assert_eq!(
            memory.check_read(&key, known.as_ref(), Some(&version(4))),
            DurabilityVerdict::NewlyLost
        );
        assert_eq!(
            read(&mut memory, Some(5)),
            DurabilityVerdict::NewlyLost,
            "the newer one is another loss"
        );
    }

    #[test]
    fn acknowledgements_that_come_out_of_order_leave_the_newest() {
        let mut memory = DurabilityChecker::default();
        memory.record_acknowledged(&key("items/1"), version(7));
        memory.record_acknowledged(&key("items/1"), version(5));
        assert_eq!(memory.acknowledged_version(&key("items/1")), Some(&version(7)));
    }

    #[test]
    fn only_items_of_the_collections_asked_for_are_chosen() {
        let mut memory = DurabilityChecker::default();
        let mut random = rand::rng();
        let collections = ["orders".parse().unwrap()];
        assert_eq!(memory.random_item(&collections, &mut random), None);
        memory.record_acknowledged(&key("items/1"), version(1));
        assert_eq!(memory.random_item(&collections, &mut random), None);
        memory.record_acknowledged(&key("orders/1"), version(1));
        while memory.random_item(&collections, &mut random) != Some(key("orders/1")) {}
    }
}
