//! One watch scope: its watches, queue, controller and poller.

use super::super::{
    context::Context,
    key::ArchitectureKey,
    metrics::Metrics,
    reports::{PollSchedule, Poller, ReportStore},
    watch::{
        Caches, CauseReader, CauseRequest, ForeignObjects, Health, Installation, NameReservations,
        Queue, RolloutSlots, WatchScope, WatchSet,
    },
};
use super::controller::run_controller;
use crate::render::RenderSettings;
use futures::channel::mpsc::{UnboundedSender, unbounded};
use kube::{Client, runtime::events::Reporter};
use std::sync::Arc;
use tokio::task::JoinSet;
use tokio_util::task::TaskTracker;

/// What all scopes share.
#[derive(Clone)]
pub(super) struct SharedParts {
    pub(super) client: Client,
    /// For watches only: its connections are never idle, so that a new watch uses no broken one.
    pub(super) watch_client: Client,
    pub(super) settings: RenderSettings,
    pub(super) concurrency: u16,
    /// The reconciles in progress, one task each, so that they use all processors.
    pub(super) reconciles: TaskTracker,
    pub(super) reporter: Reporter,
    pub(super) metrics: Arc<Metrics>,
    pub(super) installation: Arc<Installation>,
    pub(super) health: Arc<Health>,
    pub(super) rollout_slots: Arc<RolloutSlots>,
}

/// Starts the tasks of `scope`. None of them ends by itself.
pub(super) fn start_scope(parts: &SharedParts, scope: &WatchScope, tasks: &mut JoinSet<()>) {
    let queue = Queue::new(Arc::clone(&parts.metrics));
    let watches = WatchSet {
        client: &parts.watch_client,
        scope,
        queue: Arc::clone(&queue),
        metrics: Arc::clone(&parts.metrics),
        tasks,
        health: &parts.health,
    };
    let caches = watches.start_all();
    let (watched, waiting) = (caches.clone(), Arc::clone(&queue));
    let name = scope.to_string();
    parts.health.add_stall_check(move || {
        let is_stuck = watched.has_architectures() && waiting.is_stuck();
        is_stuck.then(|| format!("the controller of {name}"))
    });
    let (cause_requests, requests) = unbounded();
    let (poller, context) = build_parts(parts.clone(), caches, queue, cause_requests);
    tasks.spawn(poller.run());
    let (states, queue) = (Arc::clone(&context.states), Arc::clone(&context.queue));
    let record = move |key: ArchitectureKey, answers| {
        let has_changed = states.with_known(&key, |state| state.cause_readings.record(answers));
        if has_changed == Some(true) {
            queue.push(key);
        }
    };
    tasks.spawn(CauseReader { client: parts.client.clone(), requests, record }.run());
    let reconciles = parts.reconciles.clone();
    tasks.spawn(run_controller(Arc::new(context), parts.concurrency, reconciles));
}

fn build_parts(
    parts: SharedParts,
    caches: Caches,
    queue: Arc<Queue>,
    cause_requests: UnboundedSender<CauseRequest>,
) -> (Poller, Context) {
    let reports = Arc::<ReportStore>::default();
    let poll_schedule = Arc::<PollSchedule>::default();
    let poller = Poller::new(
        Arc::clone(&poll_schedule),
        Arc::clone(&caches.pods),
        Arc::clone(&reports),
        Arc::clone(&queue),
        Arc::clone(&parts.metrics),
    );
    let context = Context {
        client: parts.client,
        settings: parts.settings,
        caches,
        foreign_objects: ForeignObjects::default(),
        name_reservations: NameReservations::default(),
        queue,
        states: Arc::default(),
        cause_requests,
        reports,
        poll_schedule,
        reporter: parts.reporter,
        metrics: parts.metrics,
        installation: parts.installation,
        rollout_slots: parts.rollout_slots,
    };
    (poller, context)
}
