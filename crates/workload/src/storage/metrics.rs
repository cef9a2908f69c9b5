//! The metrics of the storage.

use maquette_contract::VolumeObservation;
use prometheus_client::{
    metrics::{
        counter::Counter,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Clones share the counts.
#[derive(Clone, Debug)]
pub(super) struct StorageMetrics {
    commit: Histogram,
    batch: Histogram,
    commits: Arc<AtomicU64>,
    items: Gauge<u64, AtomicU64>,
    expiring: Gauge<u64, AtomicU64>,
    file: Gauge<u64, AtomicU64>,
    volume: Gauge<u64, AtomicU64>,
    volume_free: Gauge<u64, AtomicU64>,
    volume_full: Gauge<u64, AtomicU64>,
    refused: Counter,
}

impl StorageMetrics {
    pub(super) fn new() -> Self {
        Self {
            // 0.25 ms to 4 s, and 1 to 1024 writes.
            commit: Histogram::new(exponential_buckets(0.000_25, 2.0, 15)),
            batch: Histogram::new(exponential_buckets(1.0, 2.0, 11)),
            commits: Arc::default(),
            items: Gauge::default(),
            expiring: Gauge::default(),
            file: Gauge::default(),
            volume: Gauge::default(),
            volume_free: Gauge::default(),
            volume_full: Gauge::default(),
            refused: Counter::default(),
        }
    }

    pub(super) fn register_all(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "storage_commit_duration",
            "Duration of commits to disk",
            Unit::Seconds,
            self.commit.clone(),
        );
        registry.register(
            "storage_commit_writes",
            "Writes that shared a commit",
            self.batch.clone(),
        );
        registry.register("storage_items", "Items on disk", self.items.clone());
        registry.register("storage_expiring_items", "Items that expire", self.expiring.clone());
        registry.register_with_unit(
            "storage_file",
            "Size of the file of items",
            Unit::Bytes,
            self.file.clone(),
        );
        registry.register_with_unit(
            "storage_volume",
            "Size of the volume",
            Unit::Bytes,
            self.volume.clone(),
        );
        registry.register_with_unit(
            "storage_volume_free",
            "Free space of the volume, without the reserve",
            Unit::Bytes,
            self.volume_free.clone(),
        );
        registry.register(
            "storage_volume_full",
            "Whether writes are refused because the volume is full",
            self.volume_full.clone(),
        );
        registry.register(
            "storage_refused_writes",
            "Writes refused because the volume is full",
            self.refused.clone(),
        );
    }

    pub(super) fn record_commit(&self, writes: u32, took: Duration) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.commit.observe(took.as_secs_f64());
        self.batch.observe(f64::from(writes));
    }

    /// Records the number of items, of those that expire, and the size of the file after a commit.
    pub(super) fn record_size(&self, items: u64, expiring: u64, file_bytes: u64) {
        self.items.set(items);
        self.expiring.set(expiring);
        self.file.set(file_bytes);
    }

    pub(super) fn expiring_count(&self) -> u64 {
        self.expiring.get()
    }

    /// Records the state of the volume.
    pub(super) fn record_volume(&self, total: u64, free: u64, is_full: bool) {
        self.volume.set(total);
        self.volume_free.set(free);
        self.volume_full.set(u64::from(is_full));
    }

    pub(super) fn volume(&self) -> VolumeObservation {
        VolumeObservation {
            bytes: self.volume.get(),
            free_bytes: self.volume_free.get(),
            full: self.volume_full.get() > 0,
        }
    }

    pub(super) fn record_refused_writes(&self, writes: u64) {
        self.refused.inc_by(writes);
    }

    pub(super) fn item_count(&self) -> u64 {
        self.items.get()
    }

    pub(super) fn file_bytes(&self) -> u64 {
        self.file.get()
    }

    pub(super) fn commit_count(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}
