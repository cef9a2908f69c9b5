//! The metrics of the copies.

use super::{Source, Sources};
use crate::runtime::MetricsRegistry;
use maquette_contract::SourceBackend;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
};

/// What the origin is. Not which one: names of components are the user's.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BackendLabel {
    backend: &'static str,
}

fn backend_label(home: SourceBackend) -> BackendLabel {
    let home = match home {
        SourceBackend::Store => "store",
        SourceBackend::Peers => "peers",
    };
    BackendLabel { backend: home }
}

/// The metrics.
#[derive(Debug, Default)]
pub(super) struct MigrationMetrics {
    configured: Family<BackendLabel, Gauge>,
    complete: Family<BackendLabel, Gauge>,
    checked: Family<BackendLabel, Counter>,
    copied: Family<BackendLabel, Counter>,
    failed_passes: Family<BackendLabel, Counter>,
}

impl MigrationMetrics {
    /// Registers them.
    pub(super) fn new(metrics: &MetricsRegistry) -> Self {
        let meters = Self::default();
        let Self { configured, complete, checked: looked_at, copied, failed_passes: failed } =
            &meters;
        metrics.register("origins", "Old homes that items are taken over from", configured.clone());
        let help = "Old homes from which everything was copied under this configuration";
        metrics.register("origins_complete", help, complete.clone());
        let help = "Items of old homes that the copy looked at";
        metrics.register("origin_items_looked_at", help, looked_at.clone());
        let help = "Items that the copy took over from old homes";
        metrics.register("origin_items_copied", help, copied.clone());
        metrics.register("origin_copy_failures", "Passes of the copy that failed", failed.clone());
        meters
    }

    /// Another configuration is in force, or a copy is complete.
    pub(super) fn update_gauges(&self, origins: &Sources) {
        for home in [SourceBackend::Store, SourceBackend::Peers] {
            let of_home = || origins.0.iter().filter(move |origin| origin.client.backend() == home);
            let complete = of_home().filter(|origin| origin.progress.is_complete()).count();
            let set = |family: &Family<BackendLabel, Gauge>, count: usize| {
                family
                    .get_or_create(&backend_label(home))
                    .set(i64::try_from(count).unwrap_or(i64::MAX));
            };
            set(&self.configured, of_home().count());
            set(&self.complete, complete);
        }
    }

    /// The copy looked at an item, and took it over or had it already.
    pub(super) fn looked_at(&self, origin: &Source, copied: bool) {
        let home = backend_label(origin.client.backend());
        self.checked.get_or_create(&home).inc();
        if copied {
            self.copied.get_or_create(&home).inc();
        }
    }

    /// A pass failed.
    pub(super) fn failed(&self, origin: &Source) {
        self.failed_passes.get_or_create(&backend_label(origin.client.backend())).inc();
    }
}
