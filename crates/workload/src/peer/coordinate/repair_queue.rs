//! Items that may lack a copy although no peer came or went: a write missed one of their owners.

use crate::runtime::lock;
use maquette_contract::ItemKey;
use std::{collections::BTreeSet, sync::Mutex};
use tokio::sync::Notify;

/// The most items that are queued one by one; beyond that all items must be checked.
const MAX_QUEUED: usize = 10_000;

/// The items that may lack a copy.
#[derive(Debug, Default)]
pub(crate) struct RepairQueue {
    items: Mutex<BTreeSet<ItemKey>>,
    added: Notify,
}

impl RepairQueue {
    /// Queues the item, unless the queue is full.
    pub(crate) fn add_item(&self, key: ItemKey) {
        let mut items = lock(&self.items);
        if items.len() < MAX_QUEUED {
            items.insert(key);
        }
        self.added.notify_one();
    }

    /// The number of queued items.
    pub(crate) fn count(&self) -> u64 {
        lock(&self.items).len() as u64
    }

    /// Whether items may have been left out.
    pub(crate) fn is_full(&self) -> bool {
        lock(&self.items).len() >= MAX_QUEUED
    }

    /// Waits until an item is added; also if that happened since the last wait.
    pub(crate) async fn wait_for_item(&self) {
        self.added.notified().await;
    }

    pub(crate) fn remove_item(&self, key: &ItemKey) {
        lock(&self.items).remove(key);
    }

    /// The items that are queued now.
    pub(crate) fn queued_items(&self) -> Vec<ItemKey> {
        lock(&self.items).iter().cloned().collect()
    }
}
