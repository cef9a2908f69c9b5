//! How many Architectures there are, by the condition `Ready`. They follow from the statuses, so that
//! a restarted operator shows the same.

use super::{super::key::ArchitectureKey, labels::ControllerLabel};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// The status and the reason of the condition `Ready`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReadyLabels {
    ready: String,
    reason: String,
}

/// The metrics of Architectures.
#[derive(Debug, Default)]
pub(in crate::reconcile) struct ArchitectureMetrics {
    current: Mutex<HashMap<ArchitectureKey, ReadyLabels>>,
    by_ready: Family<ReadyLabels, Gauge>,
    left: Family<ControllerLabel, Gauge>,
}

impl ArchitectureMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "maquette_architectures",
            "Architectures, by status and reason of the condition Ready",
            self.by_ready.clone(),
        );
        self.left.get_or_create(&ControllerLabel::ARCHITECTURE).set(0);
        registry.register(
            "maquette_architectures_of_other_installations",
            "Architectures that another installation of the operator builds",
            self.left.clone(),
        );
    }

    /// Records the condition `Ready` of an Architecture.
    pub(in crate::reconcile) fn record_ready(
        &self,
        key: &ArchitectureKey,
        status: &str,
        reason: &str,
    ) {
        let ready = ReadyLabels { ready: status.to_owned(), reason: reason.to_owned() };
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let before = current.insert(key.clone(), ready.clone());
        self.by_ready.get_or_create(&ready).inc();
        self.decrement(before);
    }

    /// Drops an Architecture that is deleted, or that another installation builds.
    pub(in crate::reconcile) fn forget(&self, key: &ArchitectureKey) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        self.decrement(current.remove(key));
    }

    pub(in crate::reconcile) fn set_left(&self, count: usize) {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.left.get_or_create(&ControllerLabel::ARCHITECTURE).set(count);
    }

    fn decrement(&self, before: Option<ReadyLabels>) {
        if let Some(before) = before {
            self.by_ready.get_or_create(&before).dec();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::encoding::text::encode;

    #[test]
    fn each_architecture_counts_once() {
        let (metrics, mut registry) = (ArchitectureMetrics::default(), Registry::default());
        metrics.register(&mut registry);
        let key = |name: &str| ArchitectureKey { namespace: "a".to_owned(), name: name.to_owned() };
        metrics.record_ready(&key("a"), "False", "Evolving");
        metrics.record_ready(&key("b"), "False", "Evolving");
        metrics.record_ready(&key("a"), "True", "AllWorks");
        metrics.record_ready(&key("a"), "True", "AllWorks");
        metrics.forget(&key("b"));
        metrics.forget(&key("b"));
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        for line in [
            "maquette_architectures{ready=\"True\",reason=\"AllWorks\"} 1\n",
            "maquette_architectures{ready=\"False\",reason=\"Evolving\"} 0\n",
        ] {
            assert!(text.contains(line), "{text}");
        }
    }
}
