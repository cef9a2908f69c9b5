//! How far the copy from an origin is.

use maquette_contract::{ComponentName, MigrationObservation};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The progress of the copy under one configuration.
#[derive(Debug)]
pub(super) struct Progress {
    complete: AtomicBool,
    copied: AtomicU64,
}

impl Progress {
    /// A copy that has not begun; complete if there is nothing to copy.
    pub(super) fn new(complete: bool) -> Self {
        Self { complete: AtomicBool::new(complete), copied: AtomicU64::new(0) }
    }

    /// A pass begins.
    pub(super) fn begin(&self) {
        self.copied.store(0, Ordering::Relaxed);
    }

    /// An item is in its new home.
    pub(super) fn count(&self) {
        self.copied.fetch_add(1, Ordering::Relaxed);
    }

    /// A pass has ended, and nothing failed.
    pub(super) fn complete(&self) {
        self.complete.store(true, Ordering::Release);
    }

    /// Whether a pass has ended and nothing failed.
    pub(super) fn is_complete(&self) -> bool {
        self.complete.load(Ordering::Acquire)
    }

    /// The items of the newest pass that are in their new home.
    pub(super) fn copied(&self) -> u64 {
        self.copied.load(Ordering::Relaxed)
    }

    /// The copy as it is reported.
    pub(super) fn observe(&self, component: &ComponentName) -> MigrationObservation {
        let (complete, copied) = (self.is_complete(), self.copied());
        MigrationObservation { component: component.clone(), complete, copied }
    }
}
