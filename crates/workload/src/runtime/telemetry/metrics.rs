//! The metrics of the process, in Prometheus' text format.

use crate::runtime::lock;
use prometheus_client::{
    encoding::text::encode_registry,
    registry::{Metric, Registry, Unit},
};
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard},
};

/// The registry of the process; clones share it. Names get the prefix `maquette_`, counters the
/// suffix `_total`. Labels never carry what users choose: no collection, id, component or pod.
#[derive(Clone, Debug)]
pub struct MetricsRegistry(Arc<Mutex<Registry>>);

impl Default for MetricsRegistry {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Registry::with_prefix("maquette"))))
    }
}

impl MetricsRegistry {
    /// Adds a metric. `help` is a sentence without a full stop at its end: one is added.
    pub fn register(&self, name: &str, help: &str, metric: impl Metric) {
        lock(&self.0).register(name, help, metric);
    }

    /// Adds a metric in seconds: its name gets the suffix `_seconds`.
    pub fn register_seconds(&self, name: &str, help: &str, metric: impl Metric) {
        lock(&self.0).register_with_unit(name, help, Unit::Seconds, metric);
    }

    /// The registry itself, to register many metrics. Scrapes wait until the guard is dropped.
    pub fn registry(&self) -> MutexGuard<'_, Registry> {
        lock(&self.0)
    }

    /// All metrics, in Prometheus' text format 0.0.4.
    ///
    /// # Errors
    /// If a metric cannot be written as text.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode_registry(&mut text, &lock(&self.0))?;
        Ok(maquette_contract::metrics::prometheus_text(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::metrics::{counter::Counter, gauge::Gauge};

    #[test]
    fn counters_are_described_under_their_full_name() {
        let metrics = MetricsRegistry::default();
        let reads: Counter = Counter::default();
        reads.inc();
        metrics.register("reads", "Reads answered", reads);
        metrics.register_seconds("age", "Age of the oldest", Gauge::<i64>::default());
        let expected = "# HELP maquette_reads_total Reads answered.\n\
            # TYPE maquette_reads_total counter\n\
            maquette_reads_total 1\n\
            # HELP maquette_age_seconds Age of the oldest.\n\
            # TYPE maquette_age_seconds gauge\n\
            maquette_age_seconds 0\n";
        assert_eq!(metrics.text().unwrap(), expected);
    }
}
