//! Metrics, under the names that controller-runtime made customary. No label has a value that
//! users make.

use super::{error::Error, evolutions::Evolutions};
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
struct Reconciled {
    controller: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Controller {
    controller: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    code: String,
    method: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Queue {
    name: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Lease {
    name: &'static str,
}

/// The operator's metrics.
pub(super) struct Metrics {
    registry: Registry,
    reconciles: Family<Reconciled, Counter>,
    errors: Family<Controller, Counter>,
    times: Family<Controller, Histogram>,
    active: Family<Controller, Gauge>,
    depth: Family<Queue, Gauge>,
    adds: Family<Queue, Counter>,
    requests: Family<Request, Counter>,
    leader: Family<Lease, Gauge>,
    /// What is told of changes that are under way.
    pub(super) evolutions: Evolutions,
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
            evolutions: Evolutions::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
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
    pub(super) fn reconciled(&self, took: Duration, result: &Result<Action, Error>) {
        let controller = CONTROLLER;
        let label = if result.is_ok() { "success" } else { "error" };
        self.reconciles.get_or_create(&Reconciled { controller, result: label }).inc();
        self.times.get_or_create(&Controller { controller }).observe(took.as_secs_f64());
        if result.is_err() {
            self.errors.get_or_create(&Controller { controller }).inc();
        }
    }

    /// Notes how many Architectures wait for their reconcile, after one more came if `added`.
    pub(super) fn waiting(&self, waiting: usize, added: bool) {
        let name = CONTROLLER;
        let waiting = i64::try_from(waiting).unwrap_or(i64::MAX);
        self.depth.get_or_create(&Queue { name }).set(waiting);
        if added {
            self.adds.get_or_create(&Queue { name }).inc();
        }
    }

    /// Notes a reconcile that begins, until the guard is dropped.
    pub(super) fn working(&self) -> impl Drop + use<> {
        let gauge = self.active.get_or_create_owned(&Controller { controller: CONTROLLER });
        gauge.inc();
        Working(gauge)
    }

    /// Notes a request to the API server; `code` is `<error>` where there was no answer.
    pub(super) fn requested(&self, method: &str, code: String) {
        self.requests.get_or_create(&Request { code, method: method.to_owned() }).inc();
    }

    /// Notes whether this replica leads.
    pub(super) fn leads(&self, leads: bool) {
        self.leader.get_or_create(&Lease { name: CONTROLLER }).set(leads.into());
    }

    /// Everything, in Prometheus' text format 0.0.4.
    pub(super) fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(maquette_contract::metrics::prometheus_text(&text))
    }
}

/// A reconcile under way.
struct Working(Gauge);

impl Drop for Working {
    fn drop(&mut self) {
        self.0.dec();
    }
}
