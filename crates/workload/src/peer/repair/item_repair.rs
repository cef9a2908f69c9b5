//! Repairs single items: those for which a write missed an owner (hinted handoff).

use super::replication::ReplicationProgress;
use crate::peer::{
    coordinate::{Coordinator, Unavailable},
    replica::ItemCopy,
};
use maquette_contract::ItemKey;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};

/// The pause between two attempts.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// Repairs the items of the repair queue.
pub(crate) struct ItemRepair {
    pub(crate) coordinator: Arc<Coordinator>,
    pub(crate) progress: Arc<ReplicationProgress>,
    /// The time to read one item from a quorum.
    pub(crate) read_timeout: Duration,
}

impl ItemRepair {
    /// Runs until it is dropped.
    pub(crate) async fn run(&self) {
        let queue = &self.coordinator.repair_queue;
        loop {
            queue.wait_for_item().await;
            loop {
                if queue.is_full() {
                    self.progress.request_recheck();
                }
                for key in queue.queued_items() {
                    // Removed first: a write that fails during the repair adds it again.
                    queue.remove_item(&key);
                    if !self.repair_item(&key).await {
                        queue.add_item(key);
                    }
                }
                if queue.count() == 0 {
                    break;
                }
                sleep(RETRY_INTERVAL).await;
            }
        }
    }

    /// Returns whether all live owners have the newest version.
    async fn repair_item(&self, key: &ItemKey) -> bool {
        let Coordinator { peer, network, metrics, .. } = &*self.coordinator;
        let request = self.coordinator.item(key, Instant::now() + self.read_timeout, &|_| {});
        let read = match request.read_from_quorum(false).await {
            Ok(read) => read,
            // No copy is left to repair it with. The next sweep tries again.
            Err(Unavailable::Damaged { .. }) => return true,
            Err(_) => return false,
        };
        let Some(record) = read.record else { return true };
        let Some(quorum) = request.quorum() else { return false };
        let mut repaired = true;
        for owner in quorum.all_owners().difference(&read.holders) {
            // A sweep sends the others what they lack when they are back.
            if owner == peer.name() || peer.reports().is_live(owner) {
                let copies = vec![ItemCopy { key: key.clone(), record: record.clone() }];
                match network.repair_copies(owner, copies).await {
                    Ok(_) => drop(metrics.repairs.inc()),
                    Err(_) => repaired = false,
                }
            }
        }
        repaired
    }
}
