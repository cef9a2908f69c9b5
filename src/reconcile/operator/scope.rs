//! One watch scope: its watches, queue, controller and poller.

use super::super::{
    context::Context,
    error::ReconcileError,
    key::ArchitectureKey,
    metrics::Metrics,
    reconciler::{error_policy, reconcile},
    reports::{PollSchedule, Poller, ReportStore},
    state::StateStore,
    watch::{
        Caches, ForeignObjects, Health, Installation, LenientArchitecture, NameReservations, Queue,
        RolloutSlots, WatchScope, WatchSet, new_queue,
    },
};
use crate::render::RenderSettings;
use futures::{StreamExt, channel::mpsc::UnboundedReceiver};
use kube::{
    Client,
    runtime::{
        applier,
        controller::{Action, Config, Error as ControllerError},
        events::Reporter,
    },
};
use std::{sync::Arc, time::Duration};
use tokio::task::JoinSet;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

/// Requests for a reconcile within this time count as one: the creation of an object causes many
/// events.
const DEBOUNCE: Duration = Duration::from_millis(50);

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
    let (queue, requests) = new_queue(Arc::clone(&parts.metrics));
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
    let (poller, context) = build_parts(parts.clone(), caches, queue);
    tasks.spawn(poller.run());
    let reconciles = parts.reconciles.clone();
    tasks.spawn(run_controller(context, requests, parts.concurrency, reconciles));
}

fn build_parts(parts: SharedParts, caches: Caches, queue: Arc<Queue>) -> (Poller, Context) {
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
        states: StateStore::default(),
        reports,
        poll_schedule,
        reporter: parts.reporter,
        metrics: parts.metrics,
        installation: parts.installation,
        rollout_slots: parts.rollout_slots,
    };
    (poller, context)
}

/// Reconciles every Architecture that `requests` names, each of them in one task at a time.
async fn run_controller(
    context: Context,
    requests: UnboundedReceiver<ArchitectureKey>,
    concurrency: u16,
    reconciles: TaskTracker,
) {
    let context = Arc::new(context);
    let store = context.caches.architectures.clone();
    let object_refs = requests.map(|key| Ok::<_, ReconcileError>(key.object_ref()));
    let config = Config::default().debounce(DEBOUNCE).concurrency(concurrency);
    applier(
        |architecture, context| Box::pin(spawn_reconcile(&reconciles, architecture, context)),
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

/// Reconciles in a task of its own, which ends when the result is dropped.
fn spawn_reconcile(
    reconciles: &TaskTracker,
    architecture: Arc<LenientArchitecture>,
    context: Arc<Context>,
) -> impl Future<Output = Result<Action, ReconcileError>> + use<> {
    let task = AbortOnDropHandle::new(reconciles.spawn(reconcile(architecture, context)));
    async move {
        match task.await {
            Ok(result) => result,
            Err(ended) if ended.is_panic() => std::panic::resume_unwind(ended.into_panic()),
            // It is aborted only with the controller, which waits for nothing any more.
            Err(_) => std::future::pending().await,
        }
    }
}
