//! How many of this peer's items have all their copies, as far as it knows.

use super::cluster_view::ClusterView;
use crate::runtime::lock;
use std::{collections::BTreeMap, sync::Mutex};
use tokio::sync::{Notify, watch};

/// What is known of the wholeness of this peer's items.
#[derive(Debug, Default)]
pub(super) struct ReplicationProgress {
    sweep: Mutex<SweepProgress>,
    /// The peers that have all that this one can give them; see [`super::report::Report::checked`].
    pub(super) checked_peers: watch::Sender<BTreeMap<String, u64>>,
    recheck: Notify,
}

/// The newest check of all items.
#[derive(Debug, Default)]
struct SweepProgress {
    /// What it is about; none before the first.
    view: Option<ClusterView>,
    /// Items that it has not come to yet.
    unchecked: u64,
    /// Items that lack a copy.
    lacking: u64,
}

impl ReplicationProgress {
    /// A check of all `held` items begins.
    pub(super) fn start_sweep(&self, situation: ClusterView, held: u64) {
        *lock(&self.sweep) = SweepProgress { view: Some(situation), unchecked: held, lacking: 0 };
    }

    /// It came to so many more, of which some lack a copy.
    pub(super) fn checked(&self, items: u64, lacking: u64) {
        let mut check = lock(&self.sweep);
        check.unchecked = check.unchecked.saturating_sub(items);
        check.lacking += lacking;
    }

    /// It came to all.
    pub(super) fn finish_sweep(&self) {
        lock(&self.sweep).unchecked = 0;
    }

    /// Whether the newest check is about the peers as they are now.
    pub(super) fn is_about(&self, now: &ClusterView) -> bool {
        lock(&self.sweep).view.as_ref().is_some_and(|then| then.has_same_peers(now))
    }

    /// Items that, by the newest check, are not known to have all their copies.
    pub(super) fn under_replicated(&self) -> u64 {
        let check = lock(&self.sweep);
        check.unchecked + check.lacking
    }

    /// All items had better be checked again.
    pub(super) fn request_recheck(&self) {
        self.recheck.notify_one();
    }

    /// Ends when there is doubt.
    pub(super) async fn recheck_requested(&self) {
        self.recheck.notified().await;
    }
}
