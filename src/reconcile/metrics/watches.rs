//! Metrics of the watches, by resource and scope.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

/// The scope is `*` or a namespace that the operator was started with.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WatchLabels {
    resource: &'static str,
    scope: String,
}

/// The metrics of the watches.
#[derive(Debug, Default)]
pub(in crate::reconcile) struct WatchMetrics {
    failures: Family<WatchLabels, Counter>,
    failing: Family<WatchLabels, Gauge>,
}

impl WatchMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "maquette_watch_failures",
            "Lists and watches of the API server that failed, by resource and scope (a namespace, \
             or * for all)",
            self.failures.clone(),
        );
        registry.register(
            "maquette_watch_failing",
            "1 while the last list or watch of a resource failed, by resource and scope",
            self.failing.clone(),
        );
    }

    pub(in crate::reconcile) fn record_failure(&self, resource: &'static str, scope: &str) {
        let labels = WatchLabels { resource, scope: scope.to_owned() };
        self.failures.get_or_create(&labels).inc();
        self.failing.get_or_create(&labels).set(1);
    }

    pub(in crate::reconcile) fn record_success(&self, resource: &'static str, scope: &str) {
        let labels = WatchLabels { resource, scope: scope.to_owned() };
        self.failing.get_or_create(&labels).set(0);
    }
}
