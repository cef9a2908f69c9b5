//! The load as a role of the workload, from its configuration to its graceful stop.

use super::{
    MAX_IN_FLIGHT, REQUEST_TIMEOUT,
    durability_checker::DurabilityChecker,
    first_answer,
    metrics::LoadMetrics,
    request::{self, FailureKind, RequestFailure},
    schedule::{DueRequests, Pacer},
    settings::LoadSettings,
    virtual_users::{UserRequest, VirtualUsers},
};
use crate::runtime::{Process, RequestGuard, RunError, Runtime, lock};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Instant,
};
use tokio::task::JoinSet;

/// Waits for the first answer of a target, then runs the virtual users until a stop is requested,
/// and then waits for the requests in flight.
///
/// # Errors
/// If the configuration is not valid, the admin port is taken, or no thread can be started.
pub async fn run(process: Process) -> Result<(), RunError> {
    let runtime = Runtime::<LoadSettings>::start(process).await?;
    let running = runtime.readiness.add_condition("running", "the load has not started yet");
    let mut open_loop = OpenLoop::new(Arc::clone(&runtime));
    running.mark_met();
    tokio::select! {
        () = first_answer::await_first_answer(&runtime) => open_loop.metrics.end_wait(),
        () = runtime.shutdown.wait_until_requested() => return Ok(()),
    }
    let mut changes = runtime.config.subscribe();
    let rate = changes.borrow_and_update().settings.rate;
    let mut pacer = Pacer::start(rate, REQUEST_TIMEOUT)?;
    tracing::info!(rate, "load started");
    loop {
        tokio::select! {
            Some(due) = pacer.due.recv() => open_loop.enqueue_due(due),
            Some(_) = open_loop.in_flight.join_next() => {}
            Ok(()) = changes.changed() => pacer.set_rate(changes.borrow().settings.rate),
            () = runtime.shutdown.wait_until_requested() => break,
        }
        open_loop.start_waiting(Instant::now());
    }
    drop(pacer);
    while open_loop.in_flight.join_next().await.is_some() {}
    Ok(())
}

/// The requests that wait for their turn and those in flight.
struct OpenLoop {
    runtime: Arc<Runtime<LoadSettings>>,
    virtual_users: VirtualUsers,
    checker: Arc<Mutex<DurabilityChecker>>,
    metrics: Arc<LoadMetrics>,
    /// The scheduled starts of the requests that wait for their turn, in order.
    waiting: VecDeque<Instant>,
    in_flight: JoinSet<()>,
}

impl OpenLoop {
    fn new(runtime: Arc<Runtime<LoadSettings>>) -> Self {
        let metrics = Arc::new(LoadMetrics::new(&runtime.metrics));
        let reported = Arc::clone(&metrics);
        runtime.set_reporter(move |report| report.load = Some(reported.observation()));
        Self {
            runtime,
            virtual_users: VirtualUsers::default(),
            checker: Arc::default(),
            metrics,
            waiting: VecDeque::new(),
            in_flight: JoinSet::new(),
        }
    }

    fn enqueue_due(&mut self, due: DueRequests) {
        if due.overdue > 0 {
            // The load itself was late, not the model, so these requests do not count as failed.
            tracing::warn!(requests = due.overdue, "the process was suspended; requests skipped");
        }
        self.waiting.extend(due.starts);
    }

    /// Fails the requests that have waited until their time-out, and starts others while fewer than
    /// [`MAX_IN_FLIGHT`] are in flight.
    fn start_waiting(&mut self, now: Instant) {
        while let Some(start) = self.waiting.front().copied() {
            let timed_out = now.saturating_duration_since(start) >= REQUEST_TIMEOUT;
            if !timed_out && self.in_flight.len() >= MAX_IN_FLIGHT {
                break;
            }
            self.waiting.pop_front();
            let request = self.next_request(start);
            if timed_out {
                let reason = "not sent: it waited for its turn until the time-out".to_owned();
                request
                    .record_outcome(Err(RequestFailure { kind: FailureKind::NeverSent, reason }));
            } else {
                self.in_flight.spawn(request.run());
            }
        }
        let tracked = lock(&self.checker).len();
        self.metrics.set_gauges(self.waiting.len(), self.in_flight.len(), tracked);
        self.metrics.log_summary(now);
    }

    fn next_request(&mut self, due_at: Instant) -> ScheduledRequest {
        self.metrics.record_sent();
        let guard = self.runtime.config.begin_request();
        let (mix, targets) = (&guard.settings.mix, guard.settings.targets.len());
        let (request, target) =
            self.virtual_users.next_request(mix, targets, &lock(&self.checker), &mut rand::rng());
        let (checker, metrics) = (Arc::clone(&self.checker), Arc::clone(&self.metrics));
        ScheduledRequest { guard, request, target, due_at, checker, metrics }
    }
}

/// A request of a virtual user, from its scheduled start to its outcome.
struct ScheduledRequest {
    guard: RequestGuard<LoadSettings>,
    request: UserRequest,
    /// The index of the target in the settings.
    target: usize,
    due_at: Instant,
    checker: Arc<Mutex<DurabilityChecker>>,
    metrics: Arc<LoadMetrics>,
}

impl ScheduledRequest {
    async fn run(self) {
        let target = &self.guard.settings.targets[self.target];
        let deadline = (self.due_at + REQUEST_TIMEOUT).into();
        let outcome = request::send_and_check(target, &self.request, deadline, &self.checker).await;
        self.record_outcome(outcome);
    }

    fn record_outcome(self, outcome: Result<(), RequestFailure>) {
        let took = self.due_at.elapsed();
        self.guard.settings.targets[self.target].edge().record(took, outcome.is_err());
        self.metrics.record_ended(&self.request, outcome.as_ref().err(), took);
    }
}
