//! The load as a role of the workload: from its configuration to its graceful stop.

use super::{
    MAX_UNDER_WAY, PATIENCE,
    memory::Memory,
    request::{self, Ending, Failure},
    schedule::{Due, Pacer},
    settings::LoadSettings,
    tally::Tally,
    users::{Ask, Users},
};
use crate::{
    RunError,
    runtime::{Begun, Process, Runtime, lock},
};
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
    let running = runtime.readiness.condition("running", "the users have not come yet");
    let mut changes = runtime.config.follow();
    let rate = changes.borrow_and_update().settings.rate;
    let mut pacer = Pacer::start(rate, PATIENCE)?;
    let mut crowd = Crowd::new(Arc::clone(&runtime));
    running.fulfil();
    tracing::info!(rate, "end users come");
    loop {
        tokio::select! {
            Some(due) = pacer.due.recv() => crowd.come(due),
            Some(_) = crowd.under_way.join_next() => {}
            Ok(()) = changes.changed() => pacer.set_rate(changes.borrow().settings.rate),
            () = runtime.shutdown.leaving() => break,
        }
        crowd.begin(Instant::now());
    }
    drop(pacer);
    while crowd.under_way.join_next().await.is_some() {}
    Ok(())
}

/// The users, those who wait and those whose requests are under way.
struct Crowd {
    runtime: Arc<Runtime<LoadSettings>>,
    users: Users,
    memory: Arc<Mutex<Memory>>,
    tally: Arc<Tally>,
    /// When the requests that wait for their turn should have begun, in order.
    waiting: VecDeque<Instant>,
    under_way: JoinSet<()>,
}

impl Crowd {
    fn new(runtime: Arc<Runtime<LoadSettings>>) -> Self {
        let tally = Arc::new(Tally::new(&runtime.metrics));
        let reported = Arc::clone(&tally);
        runtime.report(move |report| report.load = Some(reported.observation()));
        Self {
            runtime,
            users: Users::default(),
            memory: Arc::default(),
            tally,
            waiting: VecDeque::new(),
            under_way: JoinSet::new(),
        }
    }

    /// More users come.
    fn come(&mut self, due: Due) {
        if due.overdue > 0 {
            // Nobody was kept waiting by the model: these users have never been there.
            tracing::warn!(requests = due.overdue, "the process was held up; requests left out");
        }
        self.waiting.extend(due.starts);
    }

    /// Sends those away who have waited too long, and lets the others begin while there is room.
    fn begin(&mut self, now: Instant) {
        while let Some(start) = self.waiting.front().copied() {
            let gave_up = now.saturating_duration_since(start) >= PATIENCE;
            if !gave_up && self.under_way.len() >= MAX_UNDER_WAY {
                break;
            }
            self.waiting.pop_front();
            let request = self.request(start);
            if gave_up {
                let why = "its turn did not come in time".to_owned();
                request.end(Err(Failure { ending: Ending::GaveUp, why }));
            } else {
                self.under_way.spawn(request.make());
            }
        }
        let gauge = |count| i64::try_from(count).unwrap_or(i64::MAX);
        self.tally.waiting.set(gauge(self.waiting.len()));
        self.tally.under_way.set(gauge(self.under_way.len()));
        self.tally.remembered.set(gauge(lock(&self.memory).len()));
        self.tally.log(now);
    }

    fn request(&mut self, start: Instant) -> Request {
        self.tally.sent();
        let begun = self.runtime.config.begin();
        let settings = &begun.settings;
        let memory = lock(&self.memory);
        let targets = settings.targets.len();
        let (ask, target) = self.users.next(&settings.mix, targets, &memory, &mut rand::rng());
        drop(memory);
        let (memory, tally) = (Arc::clone(&self.memory), Arc::clone(&self.tally));
        Request { begun, ask, target, start, memory, tally }
    }
}

/// A request of a user.
struct Request {
    begun: Begun<LoadSettings>,
    ask: Ask,
    /// Which of the targets.
    target: usize,
    /// When it should have begun.
    start: Instant,
    memory: Arc<Mutex<Memory>>,
    tally: Arc<Tally>,
}

impl Request {
    async fn make(self) {
        let target = &self.begun.settings.targets[self.target];
        let deadline = (self.start + PATIENCE).into();
        let outcome = request::make(target, &self.ask, deadline, &self.memory).await;
        self.end(outcome);
    }

    fn end(self, outcome: Result<(), Failure>) {
        let took = self.start.elapsed();
        self.begun.settings.targets[self.target].edge().record(took, outcome.is_err());
        self.tally.ended(&self.ask, outcome.as_ref().err(), took);
    }
}
