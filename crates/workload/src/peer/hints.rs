//! Items that may lack a copy although nobody came or went: a write that one owner did not take.

use super::{coordinator::ItemRequest, peer_state::PeerState, wire::ItemCopy};
use crate::runtime::lock;
use maquette_contract::{ItemKey, Record};
use std::{collections::BTreeSet, sync::Arc, sync::Mutex, time::Duration};
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};

/// Items remembered one by one; beyond that all items are checked.
const MAX_QUEUED: usize = 10_000;
/// Between attempts.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// The items that may lack a copy.
#[derive(Debug, Default)]
pub(super) struct RepairQueue {
    items: Mutex<BTreeSet<ItemKey>>,
    added: Notify,
}

impl RepairQueue {
    /// The item may lack a copy. It is not remembered if there are too many already.
    pub(super) fn add_item(&self, key: ItemKey) {
        let mut items = lock(&self.items);
        if items.len() < MAX_QUEUED {
            items.insert(key);
        }
        self.added.notify_one();
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        lock(&self.items).len() as u64
    }

    /// Whether there may be more than are remembered.
    pub(super) fn is_full(&self) -> bool {
        lock(&self.items).len() >= MAX_QUEUED
    }

    fn remove_item(&self, key: &ItemKey) {
        lock(&self.items).remove(key);
    }

    fn queued_items(&self) -> Vec<ItemKey> {
        lock(&self.items).iter().cloned().collect()
    }
}

/// Gives each such item to those of its owners that lack it, as long as this is polled.
pub(super) async fn run(node: &Arc<PeerState>) {
    loop {
        node.repair_queue.added.notified().await;
        loop {
            if node.repair_queue.is_full() {
                node.replication.request_recheck();
            }
            for key in node.repair_queue.queued_items() {
                // Taken out first: a write that fails meanwhile puts it back.
                node.repair_queue.remove_item(&key);
                if !repair_item(node, &key).await {
                    node.repair_queue.add_item(key);
                }
            }
            if node.repair_queue.count() == 0 {
                break;
            }
            sleep(RETRY_INTERVAL).await;
        }
    }
}

/// True if all owners that are up have the newest version then.
async fn repair_item(node: &Arc<PeerState>, key: &ItemKey) -> bool {
    let deadline = Instant::now() + node.timing.attempt_timeout;
    let operation = ItemRequest { peer: node, key, deadline, log: &|_| {} };
    let Ok(found) = operation.read_from_quorum(false).await else { return false };
    let Some(version) = found.newest else { return true };
    let record = Record { version, value: found.value.unwrap_or_default() };
    let Some(quorum) = node.quorum_for(key) else { return false };
    let mut healed = true;
    for owner in quorum.all_owners().difference(&found.holders) {
        // Those who are not up are given what they lack when they are back.
        if owner == node.me() || node.reports().is_live(owner) {
            let copies = vec![ItemCopy { key: key.clone(), record: record.clone() }];
            match node.write_copies(owner, copies).await {
                Ok(_) => drop(node.metrics.repairs.inc()),
                Err(_) => healed = false,
            }
        }
    }
    healed
}
