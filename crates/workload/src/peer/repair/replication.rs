//! Counts this peer's items, and those that are not known to have all their copies.

use super::cluster_view::ClusterView;
use crate::{
    peer::{
        coordinate::RepairQueue,
        membership::{ItemCounts, PeerState},
        replica::Replica,
    },
    runtime::lock,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use tokio::sync::{Notify, watch};

/// The progress of the newest sweep.
#[derive(Debug, Default)]
pub(crate) struct ReplicationProgress {
    sweep: Mutex<SweepProgress>,
    checked_peers: watch::Sender<BTreeMap<String, u64>>,
    recheck: Notify,
}

#[derive(Debug, Default)]
struct SweepProgress {
    /// The view that the sweep is about; `None` before the first sweep.
    view: Option<ClusterView>,
    /// Items that the sweep has not reached yet.
    unchecked: u64,
    /// Items that lack a copy.
    lacking: u64,
}

impl ReplicationProgress {
    /// A sweep of `items` items starts.
    pub(super) fn start_sweep(&self, view: ClusterView, items: u64) {
        *lock(&self.sweep) = SweepProgress { view: Some(view), unchecked: items, lacking: 0 };
    }

    /// The sweep has checked another page, of which `lacking` items lack a copy.
    pub(super) fn record_page(&self, items: u64, lacking: u64) {
        let mut sweep = lock(&self.sweep);
        sweep.unchecked = sweep.unchecked.saturating_sub(items);
        sweep.lacking += lacking;
    }

    /// The sweep has checked all items.
    pub(super) fn finish_sweep(&self) {
        lock(&self.sweep).unchecked = 0;
    }

    /// Whether the newest sweep is about the same peers.
    fn is_about(&self, now: &ClusterView) -> bool {
        lock(&self.sweep).view.as_ref().is_some_and(|view| view.has_same_peers(now))
    }

    /// Items that, by the newest sweep, are not known to have all their copies.
    fn under_replicated(&self) -> u64 {
        let sweep = lock(&self.sweep);
        sweep.unchecked + sweep.lacking
    }

    /// Publishes the peers that have all copies that this one can send them.
    pub(super) fn set_checked_peers(&self, checked: BTreeMap<String, u64>) {
        self.checked_peers.send_replace(checked);
    }

    /// Changes of the peers, with their incarnations, that have all copies that this one can send
    /// them: the `checked` of its gossip report.
    pub(crate) fn subscribe_checked_peers(&self) -> watch::Receiver<BTreeMap<String, u64>> {
        self.checked_peers.subscribe()
    }

    /// Requests another sweep although the view is the same.
    pub(super) fn request_recheck(&self) {
        self.recheck.notify_one();
    }

    /// Waits until a recheck is requested.
    pub(super) async fn recheck_requested(&self) {
        self.recheck.notified().await;
    }
}

/// Counts this peer's items.
pub(crate) struct ItemCounter {
    pub(crate) peer: Arc<PeerState>,
    pub(crate) replica: Replica,
    pub(crate) progress: Arc<ReplicationProgress>,
    pub(crate) repair_queue: Arc<RepairQueue>,
}

impl ItemCounter {
    /// The items on disk, and those of them that are not known to have all their copies.
    pub(crate) fn count_items(&self) -> ItemCounts {
        let on_disk = self.replica.count();
        let (state, reports) = (self.peer.member(), self.peer.reports());
        let view = ClusterView::new(self.peer.name(), &state, &reports);
        // The cluster differs from that of the newest sweep, or will by the configuration.
        let moving = *state.target() != self.peer.members().layout;
        if moving || view.is_some_and(|view| !self.progress.is_about(&view)) {
            return ItemCounts { on_disk, under_replicated: on_disk.max(u64::from(moving)) };
        }
        let under_replicated = self.progress.under_replicated() + self.repair_queue.count();
        ItemCounts { on_disk, under_replicated }
    }
}
