//! How far a watch has come, and whether it has seen one of our writes.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Resource, runtime::watcher::Event};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::SeqCst},
};

/// How far a watch has come.
#[derive(Debug, Default)]
pub(super) struct WatchPosition {
    newest_version: AtomicU64,
    /// The newest object of the list that is in progress.
    newest_listed_version: AtomicU64,
    lists_started: AtomicU64,
    lists_completed: AtomicU64,
}

impl WatchPosition {
    /// Records an event of the watch. A reader that sees the new position must see the event in the
    /// cache too.
    pub(super) fn record_event<K: Resource>(&self, event: &Event<K>) {
        match event {
            Event::Init => {
                self.lists_started.fetch_add(1, SeqCst);
                self.newest_listed_version.store(0, SeqCst);
            }
            Event::InitApply(object) => {
                self.newest_listed_version.fetch_max(resource_version(object.meta()), SeqCst);
            }
            Event::InitDone => {
                // A list shows one moment: with one object it shows everything that is older.
                self.newest_version.fetch_max(self.newest_listed_version.load(SeqCst), SeqCst);
                self.lists_completed.store(self.lists_started.load(SeqCst), SeqCst);
            }
            Event::Apply(object) | Event::Delete(object) => {
                self.newest_version.fetch_max(resource_version(object.meta()), SeqCst);
            }
        }
    }

    /// Whether a list is complete.
    pub(super) fn has_listed(&self) -> bool {
        self.lists_completed.load(SeqCst) > 0
    }
}

/// The resource version as a number; 0 without one. The Kubernetes API guarantees that the
/// versions of one resource type grow.
fn resource_version(metadata: &ObjectMeta) -> u64 {
    metadata.resource_version.as_deref().and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// One of our own writes. It is passed once the watch has come to the version that the write
/// returned, or has completed a list that began after the write.
#[derive(Clone, Debug)]
pub(in crate::reconcile) struct WriteFence {
    position: Arc<WatchPosition>,
    version: u64,
    lists_started: u64,
}

impl WriteFence {
    /// The fence of a write that returned `written`.
    pub(super) fn new(position: &Arc<WatchPosition>, written: &ObjectMeta) -> Self {
        let lists_started = position.lists_started.load(SeqCst);
        Self { position: Arc::clone(position), version: resource_version(written), lists_started }
    }

    /// Whether the watch has seen the write.
    pub(in crate::reconcile) fn is_passed(&self) -> bool {
        self.position.newest_version.load(SeqCst) >= self.version
            || self.position.lists_completed.load(SeqCst) > self.lists_started
    }
}
