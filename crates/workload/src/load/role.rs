//! The load as a role of the workload: from its configuration to its graceful stop.

use super::{
    MAX_IN_FLIGHT, REQUEST_TIMEOUT,
    durability_checker::DurabilityChecker,
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

/// Runs the end users until they are asked to stop; those under way then get their answers.
///
/// # Errors
/// If the configuration cannot be used, the admin port not be had, or no thread be started.
pub async fn run(process: Process) -> Result<(), RunError> {
    let runtime = Runtime::<LoadSettings>::start(process).await?;
    let running = runtime.readiness.add_condition("running", "the users have not come yet");
    let mut changes = runtime.config.subscribe();
    let rate = changes.borrow_and_update().settings.rate;
    let mut pacer = Pacer::start(rate, REQUEST_TIMEOUT)?;
    let mut crowd = OpenLoop::new(Arc::clone(&runtime));
    running.mark_met();
    tracing::info!(rate, "end users come");
    loop {
        tokio::select! {
            Some(due) = pacer.due.recv() => crowd.enqueue_due(due),
            Some(_) = crowd.in_flight.join_next() => {}
            Ok(()) = changes.changed() => pacer.set_rate(changes.borrow().settings.rate),
            () = runtime.shutdown.wait_until_requested() => break,
        }
        crowd.start_waiting(Instant::now());
    }
    drop(pacer);
    while crowd.in_flight.join_next().await.is_some() {}
    Ok(())
}

/// The users, those who wait and those whose requests are under way.
struct OpenLoop {
    runtime: Arc<Runtime<LoadSettings>>,
    virtual_users: VirtualUsers,
    checker: Arc<Mutex<DurabilityChecker>>,
    metrics: Arc<LoadMetrics>,
    /// When the requests that wait for their turn should have begun, in order.
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

    /// More users come.
    fn enqueue_due(&mut self, due: DueRequests) {
        if due.overdue > 0 {
            // Nobody was kept waiting by the model: these users have never been there.
            tracing::warn!(requests = due.overdue, "the process was held up; requests left out");
        }
        self.waiting.extend(due.starts);
    }

    /// Sends those away who have waited too long, and lets the others begin while there is room.
    fn start_waiting(&mut self, now: Instant) {
        while let Some(start) = self.waiting.front().copied() {
            let gave_up = now.saturating_duration_since(start) >= REQUEST_TIMEOUT;
            if !gave_up && self.in_flight.len() >= MAX_IN_FLIGHT {
                break;
            }
            self.waiting.pop_front();
            let request = self.next_request(start);
            if gave_up {
                let why = "its turn did not come in time".to_owned();
                request.record_outcome(Err(RequestFailure {
                    kind: FailureKind::NeverSent,
                    reason: why,
                }));
            } else {
                self.in_flight.spawn(request.run());
            }
        }
        let gauge = |count| i64::try_from(count).unwrap_or(i64::MAX);
        self.metrics.waiting.set(gauge(self.waiting.len()));
        self.metrics.in_flight.set(gauge(self.in_flight.len()));
        self.metrics.tracked.set(gauge(lock(&self.checker).len()));
        self.metrics.log_summary(now);
    }

    fn next_request(&mut self, start: Instant) -> ScheduledRequest {
        self.metrics.record_sent();
        let begun = self.runtime.config.begin_request();
        let settings = &begun.settings;
        let memory = lock(&self.checker);
        let targets = settings.targets.len();
        let (ask, target) =
            self.virtual_users.next_request(&settings.mix, targets, &memory, &mut rand::rng());
        drop(memory);
        let (memory, tally) = (Arc::clone(&self.checker), Arc::clone(&self.metrics));
        ScheduledRequest {
            guard: begun,
            request: ask,
            target,
            due_at: start,
            checker: memory,
            metrics: tally,
        }
    }
}

/// A request of a user.
struct ScheduledRequest {
    guard: RequestGuard<LoadSettings>,
    request: UserRequest,
    /// Which of the targets.
    target: usize,
    /// When it should have begun.
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
