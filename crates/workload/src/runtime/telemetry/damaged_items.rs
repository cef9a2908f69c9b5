//! The damaged items of a backend, as far as this pod has seen them.

use crate::runtime::lock;
use maquette_contract::{DamagedItems, ItemKey};
use std::{collections::BTreeSet, fmt::Display, sync::Mutex};

/// The keys of damaged items. Those beyond [`DamagedItems::MAX_COUNT`] are logged only.
#[derive(Debug, Default)]
pub struct DamagedItemLog(Mutex<BTreeSet<ItemKey>>);

impl DamagedItemLog {
    /// Notes that an item is damaged; logs it the first time. `place` is where it is kept.
    pub fn add(&self, key: &ItemKey, place: &str, reason: &dyn Display) {
        let is_new = {
            let mut keys = lock(&self.0);
            let has_room = keys.len() < DamagedItems::MAX_COUNT;
            has_room && keys.insert(key.clone())
        };
        if is_new {
            tracing::error!(item = %key, place, %reason, "an item is damaged");
        }
    }

    /// Notes that an item is intact, or is not there.
    pub fn remove(&self, key: &ItemKey) {
        let mut keys = lock(&self.0);
        if !keys.is_empty() {
            keys.remove(key);
        }
    }

    /// The items, for the pod's report.
    pub fn observation(&self) -> DamagedItems {
        let keys = lock(&self.0);
        let examples = keys.iter().take(DamagedItems::MAX_EXAMPLES).map(ItemKey::to_string);
        DamagedItems { count: keys.len() as u64, examples: examples.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_counts_once_until_it_is_intact_again() {
        let log = DamagedItemLog::default();
        let keys: Vec<_> =
            (0..7).map(|id| ItemKey::parse(&format!("orders/{id}")).unwrap()).collect();
        for key in keys.iter().chain(&keys) {
            log.add(key, "the store data", &"it is no record");
        }
        let observed = log.observation();
        assert_eq!((observed.count, observed.examples.len()), (7, DamagedItems::MAX_EXAMPLES));
        keys.iter().for_each(|key| log.remove(key));
        assert!(log.observation().is_empty());
    }
}
