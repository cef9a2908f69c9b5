//! Anti-entropy: every peer sends the other owners of its items the copies that they lack.
//!
//! After every change of the live peers or of their targets, each peer sweeps all its items once,
//! page by page. It sends each other owner the versions, which that one compares with its own, and
//! then the missing copies. Memory and bandwidth are bounded by the page.

use super::{
    cluster_view::{ClusterView, ReplicaAssignment},
    replication::ReplicationProgress,
};
use crate::peer::{
    coordinate::RepairQueue,
    membership::PeerState,
    metrics::PeerMetrics,
    network::{DigestRequest, PeerNetwork, PeerRequestError},
    replica::{ItemCopy, ItemOnDisk, ItemVersion, PageEntry, Replica, ReplicaError},
};
use maquette_contract::ItemKey;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

/// Items in a page.
const PAGE_ITEMS: usize = 256;
/// Bytes of copies that are sent at once, beyond the first copy.
const BATCH_BYTES: usize = 256 << 10;
/// A sweep starts at the latest after this many settle delays, even if the view keeps changing.
const MAX_SETTLE_DELAYS: u32 = 5;

/// Runs the sweeps of one peer.
pub(crate) struct AntiEntropy {
    pub(crate) peer: Arc<PeerState>,
    pub(crate) network: Arc<PeerNetwork>,
    pub(crate) replica: Replica,
    pub(crate) progress: Arc<ReplicationProgress>,
    pub(crate) metrics: Arc<PeerMetrics>,
    /// Gets the items of which this peer's own copy is damaged.
    pub(crate) repair_queue: Arc<RepairQueue>,
    /// How long the view must be unchanged before a sweep starts.
    pub(crate) settle_delay: Duration,
}

impl AntiEntropy {
    /// Runs until it is dropped.
    pub(crate) async fn run(&self) {
        let mut done: Option<ClusterView> = None;
        loop {
            let view = self.current_view();
            if view.is_none() || view == done {
                tokio::select! {
                    () = self.wait_for_change() => {}
                    () = self.progress.recheck_requested() => done = None,
                }
                continue;
            }
            let Some(stable) = self.wait_until_stable().await else { continue };
            match self.sweep(&stable).await {
                Ok(failed) => {
                    self.progress.set_checked_peers(stable.checked_peers(&failed));
                    done = failed.is_empty().then_some(stable);
                }
                Err(error) => {
                    tracing::error!(%error, "the sweep over all items failed; trying again");
                    done = None;
                }
            }
            if done.is_none() {
                sleep(self.settle_delay).await;
            }
        }
    }

    fn current_view(&self) -> Option<ClusterView> {
        ClusterView::new(self.peer.name(), &self.peer.member(), &self.peer.reports())
    }

    /// Returns when the view may have changed.
    async fn wait_for_change(&self) {
        let mut state = self.peer.subscribe_member();
        let mut reports = self.peer.subscribe_reports();
        let change = async {
            tokio::select! {
                _ = state.changed() => {}
                _ = reports.changed() => {}
            }
        };
        // A change between the view and the subscription is seen after the delay.
        let _ = timeout(self.settle_delay, change).await;
    }

    /// Waits until the view has not changed for the settle delay.
    async fn wait_until_stable(&self) -> Option<ClusterView> {
        let latest = Instant::now() + self.settle_delay * MAX_SETTLE_DELAYS;
        let mut stable = self.current_view();
        let mut since = Instant::now();
        while since.elapsed() < self.settle_delay && Instant::now() < latest {
            sleep(self.settle_delay / 10).await;
            let view = self.current_view();
            if view != stable {
                (stable, since) = (view, Instant::now());
            }
        }
        stable
    }

    /// Sweeps all items. Returns the peers to which not all copies could be sent.
    async fn sweep(&self, view: &ClusterView) -> Result<BTreeSet<String>, ReplicaError> {
        self.progress.start_sweep(view.clone(), self.replica.count());
        let mut failed = BTreeSet::new();
        let mut after: Option<String> = None;
        loop {
            let page = self.replica.read_page(after.as_deref(), PAGE_ITEMS).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.key().to_string());
            let mut assignments: Vec<(ItemOnDisk, ReplicaAssignment)> = vec![];
            for entry in page {
                let assignment = view.assignment(entry.key());
                match entry {
                    PageEntry::Intact(item) => assignments.push((item, assignment)),
                    PageEntry::Damaged(key) => self.replace_damaged(key, &assignment).await?,
                }
            }
            let failures = self.push_page(&assignments).await;
            self.finish_page(&assignments, &failures).await?;
            failed.extend(failures.into_keys());
        }
        self.progress.finish_sweep();
        Ok(failed)
    }

    /// Has a damaged copy of this peer replaced from the other owners. If only others must hold
    /// the item, the copy is dropped.
    async fn replace_damaged(
        &self,
        key: ItemKey,
        assignment: &ReplicaAssignment,
    ) -> Result<(), ReplicaError> {
        self.progress.record_page(1, 0);
        if assignment.surplus {
            return self.replica.drop_damaged_copy(&key).await;
        }
        self.repair_queue.add_item(key);
        Ok(())
    }

    /// Sends all other holders what they lack of a page. Returns the peers to which that failed.
    async fn push_page(
        &self,
        assignments: &[(ItemOnDisk, ReplicaAssignment)],
    ) -> BTreeMap<String, PeerRequestError> {
        let mut shares: BTreeMap<String, Vec<ItemOnDisk>> = BTreeMap::new();
        for (item, assignment) in assignments {
            for other in &assignment.other_holders {
                shares.entry(other.clone()).or_default().push(item.clone());
            }
        }
        let mut pushes = JoinSet::new();
        for (other, items) in shares {
            let (network, metrics) = (Arc::clone(&self.network), Arc::clone(&self.metrics));
            pushes.spawn(async move {
                let pushed = push_missing(&network, &metrics, &other, items).await;
                (other, pushed)
            });
        }
        let mut failures = BTreeMap::new();
        while let Some(pushed) = pushes.join_next().await {
            if let Ok((other, Err(error))) = pushed {
                tracing::info!(peer = other, %error, "could not send copies; trying again");
                failures.insert(other, error);
            }
        }
        failures
    }

    /// Counts the items of a page that lack a copy, and drops those that only others must hold.
    async fn finish_page(
        &self,
        assignments: &[(ItemOnDisk, ReplicaAssignment)],
        failures: &BTreeMap<String, PeerRequestError>,
    ) -> Result<(), ReplicaError> {
        let mut lacking = 0;
        for (item, assignment) in assignments {
            let has_failed =
                assignment.other_holders.iter().any(|other| failures.contains_key(other));
            if assignment.owner_down || has_failed {
                lacking += 1;
            } else if assignment.surplus {
                self.replica.drop_copy(item).await?;
                self.metrics.copies_dropped.inc();
            }
        }
        self.progress.record_page(assignments.len() as u64, lacking);
        Ok(())
    }
}

/// Sends one peer the copies that it lacks of these items.
async fn push_missing(
    network: &PeerNetwork,
    metrics: &PeerMetrics,
    other: &str,
    items: Vec<ItemOnDisk>,
) -> Result<(), PeerRequestError> {
    let versions = items
        .iter()
        .map(|item| ItemVersion { key: item.key.clone(), version: item.head.version.clone() })
        .collect();
    let missing = network.send_request(other, &DigestRequest { items: versions }).await?;
    if missing.len() != items.len() {
        let counts = format!("{} of {} items", missing.len(), items.len());
        return Err(PeerRequestError::Malformed(counts));
    }
    let mut batch: Vec<ItemCopy> = Vec::new();
    let mut bytes = 0;
    for (item, is_missing) in items.into_iter().zip(missing) {
        if is_missing {
            bytes += item.bytes.len();
            let copy = item.to_copy();
            batch.push(copy.map_err(|error| PeerRequestError::Malformed(error.to_string()))?);
        }
        if bytes >= BATCH_BYTES {
            send_batch(network, metrics, other, std::mem::take(&mut batch)).await?;
            bytes = 0;
        }
    }
    send_batch(network, metrics, other, batch).await
}

async fn send_batch(
    network: &PeerNetwork,
    metrics: &PeerMetrics,
    other: &str,
    batch: Vec<ItemCopy>,
) -> Result<(), PeerRequestError> {
    if batch.is_empty() {
        return Ok(());
    }
    let count = batch.len() as u64;
    network.repair_copies(other, batch).await?;
    metrics.repairs.inc_by(count);
    Ok(())
}
