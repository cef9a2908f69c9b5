//! What was acknowledged, and whether it is still there.

use maquette_contract::{Collection, ItemKey, Version};
use rand::{Rng, RngExt};
use std::{collections::HashMap, sync::Arc};

/// Items remembered at most; more can be written, but are not checked. Each takes about 250 bytes.
pub(super) const MAX_ITEMS: usize = 100_000;
/// How often a random choice is made before there is taken to be nothing of the right collection.
const TRIES: usize = 16;

/// Every item of which a write was acknowledged.
#[derive(Debug, Default)]
pub(super) struct Memory {
    items: Vec<Item>,
    places: HashMap<Arc<ItemKey>, usize>,
}

#[derive(Debug)]
struct Item {
    key: Arc<ItemKey>,
    /// The newest version acknowledged.
    version: Version,
    /// A read has missed this version, which has been counted.
    lost: bool,
}

/// What a read shows about what it should have found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is as it should be.
    Found,
    /// A write is lost, and nobody knew yet.
    Lost,
    /// It is still lost.
    StillLost,
}

impl Memory {
    /// How many items are remembered.
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// A write of `key` was acknowledged as `version`.
    pub(super) fn acknowledge(&mut self, key: &Arc<ItemKey>, version: Version) {
        if let Some(item) = self.item_mut(key) {
            if item.version < version {
                item.version = version;
                item.lost = false;
            }
        } else if self.items.len() < MAX_ITEMS {
            self.places.insert(Arc::clone(key), self.items.len());
            self.items.push(Item { key: Arc::clone(key), version, lost: false });
        }
    }

    /// What a read of `key` that begins now must find at least.
    pub(super) fn known(&self, key: &ItemKey) -> Option<&Version> {
        self.item(key).map(|item| &item.version)
    }

    /// Judges a read that began when `known` had been acknowledged and that found `found`.
    pub(super) fn judge(
        &mut self,
        key: &ItemKey,
        known: Option<&Version>,
        found: Option<&Version>,
    ) -> Verdict {
        let Some(known) = known else { return Verdict::Found };
        let there = found.is_some_and(|found| found >= known);
        // If another version was acknowledged meanwhile, this read says nothing about that one.
        let Some(item) = self.item_mut(key).filter(|item| item.version == *known) else {
            return if there { Verdict::Found } else { Verdict::Lost };
        };
        let was_lost = std::mem::replace(&mut item.lost, !there);
        match (there, was_lost) {
            (true, _) => Verdict::Found,
            (false, false) => Verdict::Lost,
            (false, true) => Verdict::StillLost,
        }
    }

    /// Any item of one of these collections.
    pub(super) fn any(
        &self,
        collections: &[Collection],
        random: &mut impl Rng,
    ) -> Option<Arc<ItemKey>> {
        if self.items.is_empty() {
            return None;
        }
        let choices = (0..TRIES).map(|_| random.random_range(0..self.items.len()));
        let mut keys = choices.filter_map(|place| self.items.get(place)).map(|item| &item.key);
        keys.find(|key| collections.contains(&key.collection)).cloned()
    }

    fn item(&self, key: &ItemKey) -> Option<&Item> {
        self.places.get(key).and_then(|place| self.items.get(*place))
    }

    fn item_mut(&mut self, key: &ItemKey) -> Option<&mut Item> {
        self.places.get(key).and_then(|place| self.items.get_mut(*place))
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
    fn read(memory: &mut Memory, found: Option<u64>) -> Verdict {
        let key = key("items/1");
        let known = memory.known(&key).cloned();
        memory.judge(&key, known.as_ref(), found.map(version).as_ref())
    }

    #[test]
    fn a_read_must_find_what_was_acknowledged_or_newer() {
        let mut memory = Memory::default();
        assert_eq!(read(&mut memory, None), Verdict::Found);
        memory.acknowledge(&key("items/1"), version(5));
        assert_eq!(read(&mut memory, Some(5)), Verdict::Found);
        assert_eq!(read(&mut memory, Some(6)), Verdict::Found);
        assert_eq!(read(&mut memory, Some(4)), Verdict::Lost);
    }

    #[test]
    fn a_loss_that_goes_on_is_counted_once_and_a_new_one_again() {
        let mut memory = Memory::default();
        memory.acknowledge(&key("items/1"), version(5));
        assert_eq!(read(&mut memory, None), Verdict::Lost);
        assert_eq!(read(&mut memory, Some(4)), Verdict::StillLost);
        assert_eq!(read(&mut memory, Some(5)), Verdict::Found);
        assert_eq!(read(&mut memory, None), Verdict::Lost);
        memory.acknowledge(&key("items/1"), version(7));
        assert_eq!(read(&mut memory, Some(5)), Verdict::Lost);
    }

    #[test]
    fn what_is_acknowledged_while_a_read_is_under_way_does_not_concern_it() {
        let mut memory = Memory::default();
        let key = key("items/1");
        memory.acknowledge(&key, version(5));
        let known = memory.known(&key).cloned();
        memory.acknowledge(&key, version(7));
        let found = memory.judge(&key, known.as_ref(), Some(&version(5)));
        assert_eq!(found, Verdict::Found);
        assert_eq!(memory.judge(&key, known.as_ref(), Some(&version(4))), Verdict::Lost);
        assert_eq!(read(&mut memory, Some(5)), Verdict::Lost, "the newer one is another loss");
    }

    #[test]
    fn acknowledgements_that_come_out_of_order_leave_the_newest() {
        let mut memory = Memory::default();
        memory.acknowledge(&key("items/1"), version(7));
        memory.acknowledge(&key("items/1"), version(5));
        assert_eq!(memory.known(&key("items/1")), Some(&version(7)));
    }

    #[test]
    fn only_items_of_the_collections_asked_for_are_chosen() {
        let mut memory = Memory::default();
        let mut random = rand::rng();
        let collections = ["orders".parse().unwrap()];
        assert_eq!(memory.any(&collections, &mut random), None);
        memory.acknowledge(&key("items/1"), version(1));
        assert_eq!(memory.any(&collections, &mut random), None);
        memory.acknowledge(&key("orders/1"), version(1));
        while memory.any(&collections, &mut random) != Some(key("orders/1")) {}
    }
}
