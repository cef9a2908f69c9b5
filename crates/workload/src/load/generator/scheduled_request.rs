//! What the requests of the load share, and one request from its scheduled start to its outcome.

use crate::load::{
    REQUEST_TIMEOUT,
    checker::ConsistencyChecker,
    client::TargetClient,
    failure::{FailureKind, RequestFailure},
    metrics::LoadMetrics,
    request,
    settings::LoadSettings,
    suspension::SuspensionMeter,
    virtual_users::{UserRequest, VirtualUsers},
};
use crate::runtime::{RequestGuard, Runtime};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// The settings in force and the connections to their targets. All requests that start under them
/// hold them; the pod reports requests under older settings until the last one has ended.
pub(in crate::load) struct ActiveSettings {
    guard: RequestGuard<LoadSettings>,
    /// In the order of the targets.
    clients: Vec<Rc<TargetClient>>,
}

impl ActiveSettings {
    /// The newest settings; targets that `before` has keep their connections.
    fn newest(
        runtime: &Runtime<LoadSettings>,
        meter: &Rc<SuspensionMeter>,
        before: Option<&Self>,
    ) -> Self {
        let guard = runtime.config.begin_request();
        let existing = before.map(|before| before.clients.as_slice()).unwrap_or_default();
        let clients = guard.settings.targets.iter().map(|edge| {
            let kept = existing.iter().find(|client| Arc::ptr_eq(client.edge(), edge));
            kept.cloned()
                .unwrap_or_else(|| Rc::new(TargetClient::new(Arc::clone(edge), Rc::clone(meter))))
        });
        Self { clients: clients.collect(), guard }
    }

    pub(in crate::load) fn settings(&self) -> &LoadSettings {
        &self.guard.settings
    }

    /// The target of the request with this number: they take turns.
    pub(in crate::load) fn client(&self, number: u64) -> &TargetClient {
        let count = self.clients.len().max(1) as u64;
        &self.clients[usize::try_from(number % count).unwrap_or(0)]
    }
}

/// What all requests share.
pub(in crate::load) struct Shared {
    pub(in crate::load) runtime: Arc<Runtime<LoadSettings>>,
    pub(in crate::load) metrics: Arc<LoadMetrics>,
    pub(in crate::load) meter: Rc<SuspensionMeter>,
    pub(in crate::load) checker: RefCell<ConsistencyChecker>,
    virtual_users: RefCell<VirtualUsers>,
    active: RefCell<Rc<ActiveSettings>>,
    in_flight: Cell<usize>,
    request_ended: Notify,
    is_stopping: Cell<bool>,
}

impl Shared {
    pub(in crate::load) fn new(
        runtime: Arc<Runtime<LoadSettings>>,
        metrics: Arc<LoadMetrics>,
    ) -> Self {
        let meter = Rc::<SuspensionMeter>::default();
        let active = Rc::new(ActiveSettings::newest(&runtime, &meter, None));
        Self {
            meter,
            active: RefCell::new(active),
            checker: RefCell::new(ConsistencyChecker::new(metrics.changed_by_others())),
            virtual_users: RefCell::default(),
            in_flight: Cell::new(0),
            request_ended: Notify::new(),
            is_stopping: Cell::new(false),
            runtime,
            metrics,
        }
    }

    /// The settings that new requests start under.
    pub(in crate::load) fn active(&self) -> Rc<ActiveSettings> {
        Rc::clone(&self.active.borrow())
    }

    /// Takes over the newest settings.
    pub(in crate::load) fn refresh_settings(&self) {
        let newest =
            ActiveSettings::newest(&self.runtime, &self.meter, Some(&self.active.borrow()));
        *self.active.borrow_mut() = Rc::new(newest);
    }

    pub(in crate::load) fn in_flight(&self) -> usize {
        self.in_flight.get()
    }

    /// Waits for the next end of a request.
    pub(in crate::load) async fn request_ended(&self) {
        self.request_ended.notified().await;
    }

    /// Whether no request may start any more.
    pub(in crate::load) fn is_stopping(&self) -> bool {
        self.is_stopping.get()
    }

    /// Starts no more requests, and waits for those in flight.
    pub(in crate::load) async fn stop(&self) {
        self.is_stopping.set(true);
        while self.in_flight() > 0 {
            self.request_ended().await;
        }
    }

    pub(in crate::load) fn set_gauges(&self, waiting: usize) {
        self.metrics.set_gauges(waiting, self.in_flight(), self.checker.borrow().len());
    }

    /// A request that was due at `due_at`; its latency counts from `counts_from`.
    pub(in crate::load) fn begin_request(
        self: &Rc<Self>,
        due_at: Instant,
        counts_from: Instant,
    ) -> ScheduledRequest {
        let active = self.active();
        let (mix, targets) = (&active.settings().mix, active.clients.len());
        let (request, target) = self.virtual_users.borrow_mut().next_request(
            mix,
            targets,
            &self.checker.borrow(),
            &mut rand::rng(),
        );
        let now = Instant::now();
        self.metrics.record_sent(now, due_at);
        self.in_flight.set(self.in_flight() + 1);
        ScheduledRequest {
            active,
            request,
            target,
            counts_from,
            suspended_before: self.meter.suspended_until(now),
            place: InFlight(Rc::clone(self)),
        }
    }
}

/// The place of a request in flight.
struct InFlight(Rc<Shared>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.set(self.0.in_flight() - 1);
        self.0.request_ended.notify_one();
    }
}

/// A request of a virtual user, from its scheduled start to its outcome.
pub(in crate::load) struct ScheduledRequest {
    active: Rc<ActiveSettings>,
    request: UserRequest,
    /// The index of the target in the settings.
    target: usize,
    counts_from: Instant,
    /// The suspensions of the load before its start.
    suspended_before: Duration,
    place: InFlight,
}

impl ScheduledRequest {
    pub(in crate::load) async fn run(self) {
        let target = &self.active.clients[self.target];
        // Not from the scheduled start: the model has the whole time, also if the load is late.
        let deadline = (Instant::now() + REQUEST_TIMEOUT).into();
        let checker = &self.place.0.checker;
        let outcome = request::send_and_check(target, &self.request, deadline, checker).await;
        self.record_outcome(&outcome);
    }

    fn record_outcome(&self, outcome: &Result<(), RequestFailure>) {
        let suspended = self.place.0.meter.suspended_until(Instant::now());
        // The answer may have come long before the load could read it.
        let took = self.counts_from.elapsed().saturating_sub(suspended - self.suspended_before);
        let failure = outcome.as_ref().err();
        if failure.is_none_or(|failure| failure.kind != FailureKind::GeneratorLimit) {
            self.active.clients[self.target].edge().record(took, failure.is_some());
        }
        self.place.0.metrics.record_ended(&self.request, failure, took);
    }
}
