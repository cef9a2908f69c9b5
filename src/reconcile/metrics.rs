//! Metrics, under the names that controller-runtime made customary. No label has a value that
//! users make.

use super::{error::ReconcileError, evolution_metrics::EvolutionMetrics};
use kube::runtime::controller::Action;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use std::{fmt, time::Duration};

/// The value of the label that says which controller this is.
pub(super) const CONTROLLER: &str = "architecture";

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReconcileLabels {
    controller: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ControllerLabel {
    controller: &'static str,
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

/// The operator's metrics.
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
    /// What is told of changes that are under way.
    pub(super) evolutions: EvolutionMetrics,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    pub(super) fn new() -> Self {
        let times = || Histogram::new([0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0]);
        let mut metrics = Self {
            registry: Registry::default(),
            reconciles: Family::default(),
            errors: Family::default(),
            times: Family::new_with_constructor(times),
            active: Family::default(),
            depth: Family::default(),
            adds: Family::default(),
            requests: Family::default(),
            leader: Family::default(),
            evolutions: EvolutionMetrics::default(),
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
            "How long a reconcile took",
            Unit::Seconds,
            self.times.clone(),
        );
        registry.register(
            "controller_runtime_active_workers",
            "Reconciles under way",
            self.active.clone(),
        );
        registry.register(
            "workqueue_depth",
            "Architectures that wait for their reconcile",
            self.depth.clone(),
        );
        registry.register(
            "workqueue_adds",
            "Architectures that came to wait for their reconcile",
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
    }

    /// Notes a reconcile.
    pub(super) fn record_reconcile(&self, took: Duration, result: &Result<Action, ReconcileError>) {
        let controller = CONTROLLER;
        let label = if result.is_ok() { "success" } else { "error" };
        self.reconciles.get_or_create(&ReconcileLabels { controller, result: label }).inc();
        self.times.get_or_create(&ControllerLabel { controller }).observe(took.as_secs_f64());
        if result.is_err() {
            self.errors.get_or_create(&ControllerLabel { controller }).inc();
        }
    }

    /// Notes how many Architectures wait for their reconcile, after one more came if `added`.
    pub(super) fn record_queue_depth(&self, waiting: usize, added: bool) {
        let name = CONTROLLER;
        let waiting = i64::try_from(waiting).unwrap_or(i64::MAX);
        self.depth.get_or_create(&QueueLabel { name }).set(waiting);
        if added {
            self.adds.get_or_create(&QueueLabel { name }).inc();
        }
    }

    /// Notes a reconcile that begins, until the guard is dropped.
    pub(super) fn start_reconcile(&self) -> impl Drop + use<> {
        let gauge = self.active.get_or_create_owned(&ControllerLabel { controller: CONTROLLER });
        gauge.inc();
        ActiveReconcile(gauge)
    }

    /// Notes a request to the API server; `code` is `<error>` where there was no answer.
    pub(super) fn record_request(&self, method: &str, code: String) {
        self.requests.get_or_create(&RequestLabels { code, method: method.to_owned() }).inc();
    }

    /// Notes whether this replica leads.
    pub(super) fn set_leader(&self, leads: bool) {
        self.leader.get_or_create(&LeaseLabel { name: CONTROLLER }).set(leads.into());
    }

    /// Everything, in Prometheus' text format 0.0.4.
    pub(super) fn encode_text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(maquette_contract::metrics::prometheus_text(&text))
    }
}

/// A reconcile under way.
struct ActiveReconcile(Gauge);

impl Drop for ActiveReconcile {
    fn drop(&mut self) {
        self.0.dec();
    }
}
