//! What storing costs.

use prometheus_client::{
    metrics::histogram::{Histogram, exponential_buckets},
    registry::{Registry, Unit},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Cheap to clone; all clones count together.
#[derive(Clone, Debug)]
pub(super) struct Metrics {
    commit: Histogram,
    batch: Histogram,
    commits: Arc<AtomicU64>,
}

impl Metrics {
    pub(super) fn new() -> Self {
        Self {
            // 0.25 ms to 4 s, and 1 to 1024 writes.
            commit: Histogram::new(exponential_buckets(0.000_25, 2.0, 15)),
            batch: Histogram::new(exponential_buckets(1.0, 2.0, 11)),
            commits: Arc::default(),
        }
    }

    pub(super) fn register(&self, registry: &mut Registry) {
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
    }

    pub(super) fn committed(&self, writes: u32, took: Duration) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.commit.observe(took.as_secs_f64());
        self.batch.observe(f64::from(writes));
    }

    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}
