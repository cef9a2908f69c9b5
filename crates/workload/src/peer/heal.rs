//! Items that may lack a copy although nobody came or went: a write that one owner did not take.

use super::{ask::Operation, node::Node, wire::Copy};
use crate::runtime::lock;
use maquette_contract::{ItemKey, Record};
use std::{collections::BTreeSet, sync::Arc, sync::Mutex, time::Duration};
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};

/// Items remembered one by one; beyond that all items are checked.
const MOST: usize = 10_000;
/// Between attempts.
const PAUSE: Duration = Duration::from_millis(500);

/// The items that may lack a copy.
#[derive(Debug, Default)]
pub(super) struct Unhealed {
    items: Mutex<BTreeSet<ItemKey>>,
    added: Notify,
}

impl Unhealed {
    /// The item may lack a copy. It is not remembered if there are too many already.
    pub(super) fn add(&self, key: ItemKey) {
        let mut items = lock(&self.items);
        if items.len() < MOST {
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
        lock(&self.items).len() >= MOST
    }

    fn remove(&self, key: &ItemKey) {
        lock(&self.items).remove(key);
    }

    fn all(&self) -> Vec<ItemKey> {
        lock(&self.items).iter().cloned().collect()
    }
}

/// Gives each such item to those of its owners that lack it, as long as this is polled.
pub(super) async fn run(node: &Arc<Node>) {
    loop {
        node.unhealed.added.notified().await;
        loop {
            if node.unhealed.is_full() {
                node.wholeness.doubt();
            }
            for key in node.unhealed.all() {
                // Taken out first: a write that fails meanwhile puts it back.
                node.unhealed.remove(&key);
                if !heal(node, &key).await {
                    node.unhealed.add(key);
                }
            }
            if node.unhealed.count() == 0 {
                break;
            }
            sleep(PAUSE).await;
        }
    }
}

/// True if all owners that are up have the newest version then.
async fn heal(node: &Arc<Node>, key: &ItemKey) -> bool {
    let deadline = Instant::now() + node.timing.attempt;
    let operation = Operation { node, key, deadline, note: &|_| {} };
    let Ok(found) = operation.newest(false).await else { return false };
    let Some(version) = found.newest else { return true };
    let record = Record { version, value: found.value.unwrap_or_default() };
    let Some(quorum) = node.quorum(key) else { return false };
    let mut healed = true;
    for owner in quorum.owners().difference(&found.holders) {
        // Those who are not up are given what they lack when they are back.
        if owner == node.me() || node.reports().is_live(owner) {
            let copies = vec![Copy { key: key.clone(), record: record.clone() }];
            match node.ask_write(owner, copies).await {
                Ok(_) => drop(node.meters.repairs.inc()),
                Err(_) => healed = false,
            }
        }
    }
    healed
}
