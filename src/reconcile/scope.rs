//! A scope at work: its watches, its queue and its poller.

use super::{
    caches::{Caches, WatchScope, WatchSet},
    context::Context,
    error::ReconcileError,
    fetch::ReportFetcher,
    health::Health,
    key::ArchitectureKey,
    metrics::Metrics,
    poll::{PollSchedule, Poller},
    queue::{Queue, new_queue},
    reconciler::{error_policy, reconcile},
    reports::Reports,
    state::StateStore,
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

/// Requests that come within this time are one: an object's creation has many echoes.
const DEBOUNCE: Duration = Duration::from_millis(50);

/// What every scope shares.
#[derive(Clone)]
pub(super) struct SharedParts {
    pub(super) client: Client,
    pub(super) settings: RenderSettings,
    pub(super) concurrency: u16,
    pub(super) recorder: Recorder,
    pub(super) metrics: Arc<Metrics>,
    pub(super) health: Arc<Health>,
}

/// Starts the work in `scope`: none of `tasks` ends while all is well.
pub(super) fn start_scope(shared: &SharedParts, scope: &WatchScope, tasks: &mut JoinSet<()>) {
    let (queue, requests) = new_queue(Arc::clone(&shared.metrics));
    let watches = WatchSet {
        client: &shared.client,
        scope,
        queue: Arc::clone(&queue),
        tasks,
        health: &shared.health,
    };
    let caches = watches.start_all();
    shared.health.add_caches(caches.clone());
    let (poller, context) = build_parts(shared.clone(), caches, queue);
    tasks.spawn(poller.run());
    tasks.spawn(run_controller(context, requests, shared.concurrency));
}

fn build_parts(shared: SharedParts, caches: Caches, queue: Arc<Queue>) -> (Poller, Context) {
    let reports = Arc::<Reports>::default();
    let polls = Arc::<PollSchedule>::default();
    let poller = Poller {
        schedule: Arc::clone(&polls),
        pods: Arc::clone(&caches.pods),
        reports: Arc::clone(&reports),
        fetcher: ReportFetcher::new(),
        queue: Arc::clone(&queue),
    };
    let context = Context {
        client: shared.client,
        settings: shared.settings,
        caches,
        queue,
        states: StateStore::default(),
        reports,
        poll_schedule: polls,
        recorder: shared.recorder,
        metrics: shared.metrics,
    };
    (poller, context)
}

/// Works on every Architecture that `requests` names, one at a time each.
async fn run_controller(
    context: Context,
    requests: UnboundedReceiver<ArchitectureKey>,
    concurrency: u16,
) {
    let context = Arc::new(context);
    let store = context.caches.architectures.clone();
    let requests = requests.map(|key| Ok::<_, ReconcileError>(key.object_ref()));
    let config = Config::default().debounce(DEBOUNCE).concurrency(concurrency);
    let reconcile = |architecture, context| Box::pin(reconcile(architecture, context));
    applier(reconcile, error_policy, Arc::clone(&context), store, requests, config)
        .for_each(|result| {
            if let Err(ControllerError::ObjectNotFound(gone)) = result {
                let namespace = gone.namespace.clone().unwrap_or_default();
                context
                    .forget_architecture(&ArchitectureKey { namespace, name: gone.name.clone() });
            }
            std::future::ready(())
        })
        .await;
}
