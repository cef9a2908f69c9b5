//! The metrics of the copies.

use super::{Origin, Origins};
use crate::runtime::Metrics;
use maquette_contract::SourceBackend;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
};

/// What the origin is. Not which one: names of components are the user's.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Home {
    home: &'static str,
}

fn label(home: SourceBackend) -> Home {
    let home = match home {
        SourceBackend::Store => "store",
        SourceBackend::Peers => "peers",
    };
    Home { home }
}

/// The metrics.
#[derive(Debug, Default)]
pub(super) struct Meters {
    configured: Family<Home, Gauge>,
    complete: Family<Home, Gauge>,
    looked_at: Family<Home, Counter>,
    copied: Family<Home, Counter>,
    failed: Family<Home, Counter>,
}

impl Meters {
    /// Registers them.
    pub(super) fn new(metrics: &Metrics) -> Self {
        let meters = Self::default();
        let Self { configured, complete, looked_at, copied, failed } = &meters;
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
    pub(super) fn follow(&self, origins: &Origins) {
        for home in [SourceBackend::Store, SourceBackend::Peers] {
            let of_home = || origins.0.iter().filter(move |origin| origin.old.home() == home);
            let complete = of_home().filter(|origin| origin.progress.is_complete()).count();
            let set = |family: &Family<Home, Gauge>, count: usize| {
                family.get_or_create(&label(home)).set(i64::try_from(count).unwrap_or(i64::MAX));
            };
            set(&self.configured, of_home().count());
            set(&self.complete, complete);
        }
    }

    /// The copy looked at an item, and took it over or had it already.
    pub(super) fn looked_at(&self, origin: &Origin, copied: bool) {
        let home = label(origin.old.home());
        self.looked_at.get_or_create(&home).inc();
        if copied {
            self.copied.get_or_create(&home).inc();
        }
    }

    /// A pass failed.
    pub(super) fn failed(&self, origin: &Origin) {
        self.failed.get_or_create(&label(origin.old.home())).inc();
    }
}
