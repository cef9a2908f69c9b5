//! The progress of the backfill from one source, under one configuration.

use maquette_contract::{ComponentName, MigrationObservation};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

#[derive(Debug)]
pub(super) struct BackfillProgress {
    complete: AtomicBool,
    /// The items of the newest pass that are in the target.
    copied: AtomicU64,
}

impl BackfillProgress {
    /// A backfill that has not started; `complete` if there is nothing to copy.
    pub(super) fn new(complete: bool) -> Self {
        Self { complete: AtomicBool::new(complete), copied: AtomicU64::new(0) }
    }

    pub(super) fn start_pass(&self) {
        self.copied.store(0, Ordering::Relaxed);
    }

    /// Counts an item that is in the target.
    pub(super) fn count_item(&self) {
        self.copied.fetch_add(1, Ordering::Relaxed);
    }

    /// Records that a pass ended without a failure.
    pub(super) fn mark_complete(&self) {
        self.complete.store(true, Ordering::Release);
    }

    pub(super) fn is_complete(&self) -> bool {
        self.complete.load(Ordering::Acquire)
    }

    pub(super) fn copied_items(&self) -> u64 {
        self.copied.load(Ordering::Relaxed)
    }

    /// The progress, for the pod's report.
    pub(super) fn observation(&self, component: &ComponentName) -> MigrationObservation {
        let (complete, copied) = (self.is_complete(), self.copied_items());
        MigrationObservation { component: component.clone(), complete, copied }
    }
}
