//! Metrics of the polls of pods' reports.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::{Registry, Unit},
};
use std::time::Duration;

/// Every value of the label `result`.
const RESULTS: [&str; 3] = ["success", "error", "timeout"];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabel {
    result: &'static str,
}

/// The metrics of polls.
#[derive(Debug)]
pub(in crate::reconcile) struct PollMetrics {
    polls: Family<ResultLabel, Counter>,
    duration: Histogram,
}

impl PollMetrics {
    pub(super) fn new() -> Self {
        let bounds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 1.5];
        Self { polls: Family::default(), duration: Histogram::new(bounds) }
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        for result in RESULTS {
            self.polls.get_or_create(&ResultLabel { result }).inc_by(0);
        }
        registry.register(
            "maquette_report_polls",
            "Polls of the report of a pod, by result: a failure is an error or a timeout",
            self.polls.clone(),
        );
        registry.register_with_unit(
            "maquette_report_poll_duration",
            "Duration of a poll of the report of a pod",
            Unit::Seconds,
            self.duration.clone(),
        );
    }

    /// Counts a poll that ended after `took`.
    pub(in crate::reconcile) fn record_poll(&self, result: &'static str, took: Duration) {
        self.polls.get_or_create(&ResultLabel { result }).inc();
        self.duration.observe(took.as_secs_f64());
    }
}
