//! One watch scope: its watches, queue, controller and poller.

use super::super::{
    context::Context,
    error::ReconcileError,
    key::ArchitectureKey,
    metrics::Metrics,
    reconciler::{error_policy, reconcile},
    reports::{PollSchedule, Poller, ReportFetcher, ReportStore},
    state::StateStore,
    watch::{Caches, Health, Queue, RolloutSlots, WatchScope, WatchSet, new_queue},
};
use crate::render::RenderSettings;
use futures::{StreamExt, channel::mpsc::UnboundedReceiver};
use kube::{
    Client,
    runtime::{
        applier,
        controller::{Config, Error as ControllerError},
        events::Recorder,
    },
};
use std::{sync::Arc, time::Duration};
use tokio::task::JoinSet;

/// Requests for a reconcile within this time count as one: the creation of an object causes many
/// events.
const DEBOUNCE: Duration = Duration::from_millis(50);

/// What all scopes share.
#[derive(Clone)]
pub(super) struct SharedParts {
    pub(super) client: Client,
    pub(super) settings: RenderSettings,
    pub(super) concurrency: u16,
    pub(super) recorder: Recorder,
    pub(super) metrics: Arc<Metrics>,
    pub(super) health: Arc<Health>,
    pub(super) rollout_slots: Arc<RolloutSlots>,
}

/// Starts the tasks of `scope`. None of them ends by itself.
pub(super) fn start_scope(parts: &SharedParts, scope: &WatchScope, tasks: &mut JoinSet<()>) {
    let (queue, requests) = new_queue(Arc::clone(&parts.metrics));
    let watches = WatchSet {
        client: &parts.client,
        scope,
        queue: Arc::clone(&queue),
        tasks,
        health: &parts.health,
    };
    let caches = watches.start_all();
    let listed = caches.clone();
    parts.health.add_readiness_check(move || listed.all_listed());
    let (poller, context) = build_parts(parts.clone(), caches, queue);
    tasks.spawn(poller.run());
    tasks.spawn(run_controller(context, requests, parts.concurrency));
}

fn build_parts(parts: SharedParts, caches: Caches, queue: Arc<Queue>) -> (Poller, Context) {
    let reports = Arc::<ReportStore>::default();
    let poll_schedule = Arc::<PollSchedule>::default();
    let poller = Poller {
        schedule: Arc::clone(&poll_schedule),
        pods: Arc::clone(&caches.pods),
        reports: Arc::clone(&reports),
        fetcher: ReportFetcher::new(),
        queue: Arc::clone(&queue),
    };
    let context = Context {
        client: parts.client,
        settings: parts.settings,
        caches,
        queue,
        states: StateStore::default(),
        reports,
        poll_schedule,
        recorder: parts.recorder,
        metrics: parts.metrics,
        rollout_slots: parts.rollout_slots,
    };
    (poller, context)
}

/// Reconciles every Architecture that `requests` names, each of them in one task at a time.
async fn run_controller(
    context: Context,
    requests: UnboundedReceiver<ArchitectureKey>,
    concurrency: u16,
) {
    let context = Arc::new(context);
    let store = context.caches.architectures.clone();
    let object_refs = requests.map(|key| Ok::<_, ReconcileError>(key.object_ref()));
    let config = Config::default().debounce(DEBOUNCE).concurrency(concurrency);
    applier(
        |architecture, context| Box::pin(reconcile(architecture, context)),
        error_policy,
        Arc::clone(&context),
        store,
        object_refs,
        config,
    )
    .for_each(|result| {
        if let Err(ControllerError::ObjectNotFound(deleted)) = result {
            let namespace = deleted.namespace.clone().unwrap_or_default();
            let key = ArchitectureKey { namespace, name: deleted.name.clone() };
            context.forget_architecture(&key);
        }
        std::future::ready(())
    })
    .await;
}
