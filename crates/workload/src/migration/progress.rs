//! How far the copy from an origin is.

use maquette_contract::{ComponentName, MigrationObservation};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The progress of the copy under one configuration.
#[derive(Debug)]
pub(super) struct BackfillProgress {
    mark_complete: AtomicBool,
    copied_items: AtomicU64,
}

impl BackfillProgress {
    /// A copy that has not begun; complete if there is nothing to copy.
    pub(super) fn new(complete: bool) -> Self {
        Self { mark_complete: AtomicBool::new(complete), copied_items: AtomicU64::new(0) }
    }

    /// A pass begins.
    pub(super) fn start_pass(&self) {
        self.copied_items.store(0, Ordering::Relaxed);
    }

    /// An item is in its new home.
    pub(super) fn count_item(&self) {
        self.copied_items.fetch_add(1, Ordering::Relaxed);
    }

    /// A pass has ended, and nothing failed.
    pub(super) fn complete(&self) {
        self.mark_complete.store(true, Ordering::Release);
    }

    /// Whether a pass has ended and nothing failed.
    pub(super) fn is_complete(&self) -> bool {
        self.mark_complete.load(Ordering::Acquire)
    }

    /// The items of the newest pass that are in their new home.
    pub(super) fn copied(&self) -> u64 {
        self.copied_items.load(Ordering::Relaxed)
    }

    /// The copy as it is reported.
    pub(super) fn observe(&self, component: &ComponentName) -> MigrationObservation {
        let (complete, copied) = (self.is_complete(), self.copied());
        MigrationObservation { component: component.clone(), complete, copied }
    }
}
