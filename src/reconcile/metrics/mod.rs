//! The operator's metrics, under the names of controller-runtime. No label has a value
//! that users choose.

mod architectures;
mod evolution;
mod labels;
mod polls;
mod process;
mod watches;

use self::{
    architectures::ArchitectureMetrics,
    evolution::EvolutionMetrics,
    labels::{CONTROLLER, ControllerLabel},
    polls::PollMetrics,
    watches::WatchMetrics,
};
use super::{error::ReconcileError, key::ArchitectureKey};
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
    panics: Counter,
    pub(super) architectures: ArchitectureMetrics,
    pub(super) evolutions: EvolutionMetrics,
    pub(super) watches: WatchMetrics,
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
            panics: Counter::default(),
            architectures: ArchitectureMetrics::default(),
            evolutions: EvolutionMetrics::default(),
            watches: WatchMetrics::default(),
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
        registry.register(
            "maquette_reconcile_panics",
            "Reconciles of an Architecture, and polls of its pods, that panicked, which is a bug",
            self.panics.clone(),
        );
        self.architectures.register(registry);
        self.evolutions.register(registry);
        self.watches.register(registry);
        self.polls.register(registry);
        process::register(registry);
    }

    /// Drops an Architecture that is deleted, or that another installation builds.
    pub(super) fn forget_architecture(&self, key: &ArchitectureKey) {
        self.architectures.forget(key);
        self.evolutions.forget(key);
    }

    pub(super) fn record_reconcile<T>(&self, took: Duration, outcome: &Result<T, ReconcileError>) {
        let result = if outcome.is_ok() { "success" } else { "error" };
        let labels = ReconcileLabels { controller: CONTROLLER, result };
        self.reconciles.get_or_create(&labels).inc();
        self.times.get_or_create(&ControllerLabel::ARCHITECTURE).observe(took.as_secs_f64());
        if outcome.is_err() {
            self.errors.get_or_create(&ControllerLabel::ARCHITECTURE).inc();
        }
    }

    /// One more Architecture waits for a reconcile.
    pub(super) fn record_queue_add(&self) {
        let label = QueueLabel { name: CONTROLLER };
        self.depth.get_or_create(&label).inc();
        self.adds.get_or_create(&label).inc();
    }

    /// One Architecture no longer waits.
    pub(super) fn record_queue_removal(&self) {
        self.depth.get_or_create(&QueueLabel { name: CONTROLLER }).dec();
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

    pub(super) fn count_panic(&self) {
        self.panics.inc();
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
