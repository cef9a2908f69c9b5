//! Tracks acknowledged writes and checks that reads still find them.

use maquette_contract::{Collection, ItemKey, Version};
use rand::{Rng, RngExt};
use std::{collections::HashMap, sync::Arc};

/// The most tracked items, of about 250 bytes each. Writes of further items are not checked.
pub(super) const MAX_TRACKED_ITEMS: usize = 100_000;
/// The random choices before [`DurabilityChecker::random_item`] gives up.
const MAX_TRIES: usize = 16;

/// The items with an acknowledged write.
#[derive(Debug, Default)]
pub(super) struct DurabilityChecker {
    items: Vec<TrackedItem>,
    positions: HashMap<Arc<ItemKey>, usize>,
}

#[derive(Debug)]
struct TrackedItem {
    key: Arc<ItemKey>,
    /// The newest acknowledged version.
    version: Version,
    /// Whether the last read of this version missed it, which is counted once.
    lost: bool,
}

/// What a read shows about the acknowledged version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DurabilityVerdict {
    /// The read found this version or a newer one.
    Intact,
    /// The first read that misses the version.
    NewlyLost,
    /// A further read that misses the version.
    StillLost,
}

impl DurabilityChecker {
    /// The number of tracked items.
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// Records that a write of `key` was acknowledged as `version`.
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

    /// The version that a read of `key` which starts now must find, or a newer one.
    pub(super) fn acknowledged_version(&self, key: &ItemKey) -> Option<&Version> {
        self.tracked_item(key).map(|item| &item.version)
    }

    /// Checks a read that found `found`; `known` is the [`Self::acknowledged_version`] at its
    /// start.
    pub(super) fn check_read(
        &mut self,
        key: &ItemKey,
        known: Option<&Version>,
        found: Option<&Version>,
    ) -> DurabilityVerdict {
        let Some(known) = known else { return DurabilityVerdict::Intact };
        let is_intact = found.is_some_and(|found| found >= known);
        // A version acknowledged after the start of this read is not checked by it.
        let Some(item) = self.tracked_item_mut(key).filter(|item| item.version == *known) else {
            return if is_intact {
                DurabilityVerdict::Intact
            } else {
                DurabilityVerdict::NewlyLost
            };
        };
        let was_lost = std::mem::replace(&mut item.lost, !is_intact);
        match (is_intact, was_lost) {
            (true, _) => DurabilityVerdict::Intact,
            (false, false) => DurabilityVerdict::NewlyLost,
            (false, true) => DurabilityVerdict::StillLost,
        }
    }

    /// A random item of one of these collections. None if [`MAX_TRIES`] choices find no such item.
    pub(super) fn random_item(
        &self,
        collections: &[Collection],
        random: &mut impl Rng,
    ) -> Option<Arc<ItemKey>> {
        if self.items.is_empty() {
            return None;
        }
        let choices = (0..MAX_TRIES).map(|_| random.random_range(0..self.items.len()));
        let mut keys = choices.filter_map(|index| self.items.get(index)).map(|item| &item.key);
        keys.find(|key| collections.contains(&key.collection)).cloned()
    }

    fn tracked_item(&self, key: &ItemKey) -> Option<&TrackedItem> {
        self.positions.get(key).and_then(|index| self.items.get(*index))
    }

    fn tracked_item_mut(&mut self, key: &ItemKey) -> Option<&mut TrackedItem> {
        self.positions.get(key).and_then(|index| self.items.get_mut(*index))
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

    /// Checks a read that starts and ends now.
    fn read(checker: &mut DurabilityChecker, found: Option<u64>) -> DurabilityVerdict {
        let key = key("items/1");
        let known = checker.acknowledged_version(&key).cloned();
        checker.check_read(&key, known.as_ref(), found.map(version).as_ref())
    }

    #[test]
    fn a_read_must_find_what_was_acknowledged_or_newer() {
        let mut checker = DurabilityChecker::default();
        assert_eq!(read(&mut checker, None), DurabilityVerdict::Intact);
        checker.record_acknowledged(&key("items/1"), version(5));
        assert_eq!(read(&mut checker, Some(5)), DurabilityVerdict::Intact);
        assert_eq!(read(&mut checker, Some(6)), DurabilityVerdict::Intact);
        assert_eq!(read(&mut checker, Some(4)), DurabilityVerdict::NewlyLost);
    }

    #[test]
    fn a_loss_is_newly_lost_once_until_it_is_found_again() {
        let mut checker = DurabilityChecker::default();
        checker.record_acknowledged(&key("items/1"), version(5));
        assert_eq!(read(&mut checker, None), DurabilityVerdict::NewlyLost);
        assert_eq!(read(&mut checker, Some(4)), DurabilityVerdict::StillLost);
        assert_eq!(read(&mut checker, Some(5)), DurabilityVerdict::Intact);
        assert_eq!(read(&mut checker, None), DurabilityVerdict::NewlyLost);
        checker.record_acknowledged(&key("items/1"), version(7));
        assert_eq!(read(&mut checker, Some(5)), DurabilityVerdict::NewlyLost);
    }

    #[test]
    fn versions_acknowledged_during_a_read_are_not_checked_by_it() {
        let mut checker = DurabilityChecker::default();
        let key = key("items/1");
        checker.record_acknowledged(&key, version(5));
        let known = checker.acknowledged_version(&key).cloned();
        checker.record_acknowledged(&key, version(7));
        let found = checker.check_read(&key, known.as_ref(), Some(&version(5)));
        assert_eq!(found, DurabilityVerdict::Intact);
        assert_eq!(
            checker.check_read(&key, known.as_ref(), Some(&version(4))),
            DurabilityVerdict::NewlyLost
        );
        assert_eq!(
            read(&mut checker, Some(5)),
            DurabilityVerdict::NewlyLost,
            "the newer one is another loss"
        );
    }

    #[test]
    fn acknowledgements_out_of_order_keep_the_newest() {
        let mut checker = DurabilityChecker::default();
        checker.record_acknowledged(&key("items/1"), version(7));
        checker.record_acknowledged(&key("items/1"), version(5));
        assert_eq!(checker.acknowledged_version(&key("items/1")), Some(&version(7)));
    }

    #[test]
    fn only_items_of_the_given_collections_are_chosen() {
        let mut checker = DurabilityChecker::default();
        let mut random = rand::rng();
        let collections = ["orders".parse().unwrap()];
        assert_eq!(checker.random_item(&collections, &mut random), None);
        checker.record_acknowledged(&key("items/1"), version(1));
        assert_eq!(checker.random_item(&collections, &mut random), None);
        checker.record_acknowledged(&key("orders/1"), version(1));
        while checker.random_item(&collections, &mut random) != Some(key("orders/1")) {}
    }
}
