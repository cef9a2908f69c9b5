//! The operator's metrics, under the names of controller-runtime. No label has a value
//! that users choose.

mod evolution;
mod labels;
mod polls;

use self::{
    evolution::EvolutionMetrics,
    labels::{CONTROLLER, ControllerLabel},
    polls::PollMetrics,
};
use super::error::ReconcileError;
use kube::runtime::controller::Action;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use std::{fmt, time::Duration};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReconcileLabels {
    controller: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    code: String,
    method: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct QueueLabel {
    name: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LeaseLabel {
    name: &'static str,
}

/// All metrics of the operator and their registry.
pub(super) struct Metrics {
    registry: Registry,
    reconciles: Family<ReconcileLabels, Counter>,
    errors: Family<ControllerLabel, Counter>,
    times: Family<ControllerLabel, Histogram>,
    active: Family<ControllerLabel, Gauge>,
    depth: Family<QueueLabel, Gauge>,
    adds: Family<QueueLabel, Counter>,
    requests: Family<RequestLabels, Counter>,
    leader: Family<LeaseLabel, Gauge>,
    pub(super) evolutions: EvolutionMetrics,
    pub(super) polls: PollMetrics,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

fn time_histogram() -> Histogram {
    Histogram::new([0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0])
}

impl Metrics {
    pub(super) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
            reconciles: Family::default(),
            errors: Family::default(),
            times: Family::new_with_constructor(time_histogram),
            active: Family::default(),
            depth: Family::default(),
            adds: Family::default(),
            requests: Family::default(),
            leader: Family::default(),
            evolutions: EvolutionMetrics::default(),
            polls: PollMetrics::new(),
        };
        metrics.register_all();
        metrics
    }

    fn register_all(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "controller_runtime_reconcile",
            "Reconciles of an Architecture, by result",
            self.reconciles.clone(),
        );
        registry.register(
            "controller_runtime_reconcile_errors",
            "Reconciles of an Architecture that failed",
            self.errors.clone(),
        );
        registry.register_with_unit(
            "controller_runtime_reconcile_time",
            "Duration of a reconcile",
            Unit::Seconds,
            self.times.clone(),
        );
        registry.register(
            "controller_runtime_active_workers",
            "Reconciles in progress",
            self.active.clone(),
        );
        registry.register(
            "workqueue_depth",
            "Architectures that wait for a reconcile",
            self.depth.clone(),
        );
        registry.register(
            "workqueue_adds",
            "Architectures that were added to the queue",
            self.adds.clone(),
        );
        registry.register(
            "rest_client_requests",
            "Requests to the API server, by status code and method",
            self.requests.clone(),
        );
        registry.register(
            "leader_election_master_status",
            "1 while this replica leads",
            self.leader.clone(),
        );
        self.evolutions.register(registry);
        self.polls.register(registry);
    }

    pub(super) fn record_reconcile(
        &self,
        took: Duration,
        outcome: &Result<Action, ReconcileError>,
    ) {
        let result = if outcome.is_ok() { "success" } else { "error" };
        let labels = ReconcileLabels { controller: CONTROLLER, result };
        self.reconciles.get_or_create(&labels).inc();
        self.times.get_or_create(&ControllerLabel::ARCHITECTURE).observe(took.as_secs_f64());
        if outcome.is_err() {
            self.errors.get_or_create(&ControllerLabel::ARCHITECTURE).inc();
        }
    }

    /// Records how many Architectures wait for a reconcile, and one more addition if `added`.
    pub(super) fn record_queue_depth(&self, waiting: usize, added: bool) {
        let label = QueueLabel { name: CONTROLLER };
        self.depth.get_or_create(&label).set(i64::try_from(waiting).unwrap_or(i64::MAX));
        if added {
            self.adds.get_or_create(&label).inc();
        }
    }

    /// Counts a reconcile as active until the guard is dropped.
    pub(super) fn start_reconcile(&self) -> impl Drop + use<> {
        let gauge = self.active.get_or_create_owned(&ControllerLabel::ARCHITECTURE);
        gauge.inc();
        ActiveReconcile(gauge)
    }

    /// Counts a request to the API server; `code` is `<error>` without a response.
    pub(super) fn record_request(&self, method: &str, code: String) {
        self.requests.get_or_create(&RequestLabels { code, method: method.to_owned() }).inc();
    }

    pub(super) fn set_leader(&self, is_leader: bool) {
        self.leader.get_or_create(&LeaseLabel { name: CONTROLLER }).set(is_leader.into());
    }

    /// All metrics in Prometheus' text format 0.0.4.
    pub(super) fn encode_text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(maquette_contract::metrics::prometheus_text(&text))
    }
}

/// A reconcile in progress.
struct ActiveReconcile(Gauge);

impl Drop for ActiveReconcile {
    fn drop(&mut self) {
        self.0.dec();
    }
}
