//! The metrics of the backfills.

use super::{Source, Sources};
use crate::runtime::MetricsRegistry;
use maquette_contract::SourceBackend;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
};

/// The type of the source's backend. Not its name: names of components come from users, and each
/// would be a new time series.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BackendLabel {
    backend: &'static str,
}

fn backend_label(backend: SourceBackend) -> BackendLabel {
    BackendLabel {
        backend: match backend {
            SourceBackend::Store => "store",
            SourceBackend::Peers => "peers",
        },
    }
}

#[derive(Debug, Default)]
pub(super) struct MigrationMetrics {
    configured: Family<BackendLabel, Gauge>,
    complete: Family<BackendLabel, Gauge>,
    checked: Family<BackendLabel, Counter>,
    copied: Family<BackendLabel, Counter>,
    damaged: Family<BackendLabel, Counter>,
    failed_passes: Family<BackendLabel, Counter>,
}

impl MigrationMetrics {
    pub(super) fn new(registry: &MetricsRegistry) -> Self {
        let metrics = Self::default();
        let Self { configured, complete, checked, copied, damaged, failed_passes } = &metrics;
        let help = "Sources that items are migrated from";
        registry.register("migration_sources", help, configured.clone());
        let help = "Sources whose backfill is complete under this configuration";
        registry.register("migration_sources_complete", help, complete.clone());
        let help = "Items of migration sources that backfills checked";
        registry.register("migration_items_checked", help, checked.clone());
        let help = "Items that backfills copied from migration sources";
        registry.register("migration_items_copied", help, copied.clone());
        let help = "Damaged items of migration sources that backfills left out";
        registry.register("migration_items_damaged", help, damaged.clone());
        let help = "Passes of backfills that failed";
        registry.register("migration_backfill_failures", help, failed_passes.clone());
        metrics
    }

    /// Sets the gauges, after a new configuration or a complete backfill.
    pub(super) fn update_gauges(&self, sources: &Sources) {
        for backend in [SourceBackend::Store, SourceBackend::Peers] {
            let label = backend_label(backend);
            let (mut configured, mut complete) = (0, 0);
            for source in sources.iter().filter(|source| source.client.backend() == backend) {
                configured += 1;
                complete += i64::from(source.progress.is_complete());
            }
            self.configured.get_or_create(&label).set(configured);
            self.complete.get_or_create(&label).set(complete);
        }
    }

    /// Counts an item that a backfill checked, and copied if the target did not have it.
    pub(super) fn record_item(&self, source: &Source, is_copied: bool) {
        let label = backend_label(source.client.backend());
        self.checked.get_or_create(&label).inc();
        if is_copied {
            self.copied.get_or_create(&label).inc();
        }
    }

    /// Counts a damaged item that a backfill left out.
    pub(super) fn record_damaged(&self, source: &Source) {
        let label = backend_label(source.client.backend());
        self.damaged.get_or_create(&label).inc();
    }

    pub(super) fn record_failure(&self, source: &Source) {
        self.failed_passes.get_or_create(&backend_label(source.client.backend())).inc();
    }
}
