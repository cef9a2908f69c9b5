//! A scope at work: its watches, its queue and its poller.

use super::{
    caches::{Caches, Scope, Watches},
    context::Context,
    error::Error,
    fetch::Fetcher,
    health::Health,
    key::ArchitectureKey,
    memory::Memories,
    metrics::Metrics,
    poll::{Poller, Polls},
    queue::{Queue, queue},
    reconciler::{after_failure, reconcile},
    reports::Reports,
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
pub(super) struct Shared {
    pub(super) client: Client,
    pub(super) settings: RenderSettings,
    pub(super) concurrency: u16,
    pub(super) recorder: Recorder,
    pub(super) metrics: Arc<Metrics>,
    pub(super) health: Arc<Health>,
}

/// Starts the work in `scope`: none of `tasks` ends while all is well.
pub(super) fn start(shared: &Shared, scope: &Scope, tasks: &mut JoinSet<()>) {
    let (queue, requests) = queue(Arc::clone(&shared.metrics));
    let watches = Watches {
        client: &shared.client,
        scope,
        queue: Arc::clone(&queue),
        tasks,
        health: &shared.health,
    };
    let caches = watches.start();
    shared.health.add_listed(caches.clone());
    let (poller, context) = parts(shared.clone(), caches, queue);
    tasks.spawn(poller.run());
    tasks.spawn(work(context, requests, shared.concurrency));
}

fn parts(shared: Shared, caches: Caches, queue: Arc<Queue>) -> (Poller, Context) {
    let reports = Arc::<Reports>::default();
    let polls = Arc::<Polls>::default();
    let poller = Poller {
        polls: Arc::clone(&polls),
        pods: Arc::clone(&caches.pods),
        reports: Arc::clone(&reports),
        fetcher: Fetcher::new(),
        queue: Arc::clone(&queue),
    };
    let context = Context {
        client: shared.client,
        settings: shared.settings,
        caches,
        queue,
        memories: Memories::default(),
        reports,
        polls,
        recorder: shared.recorder,
        metrics: shared.metrics,
    };
    (poller, context)
}

/// Works on every Architecture that `requests` names, one at a time each.
async fn work(context: Context, requests: UnboundedReceiver<ArchitectureKey>, concurrency: u16) {
    let context = Arc::new(context);
    let store = context.caches.architectures.clone();
    let requests = requests.map(|key| Ok::<_, Error>(key.object_ref()));
    let config = Config::default().debounce(DEBOUNCE).concurrency(concurrency);
    let reconcile = |architecture, context| Box::pin(reconcile(architecture, context));
    applier(reconcile, after_failure, Arc::clone(&context), store, requests, config)
        .for_each(|result| {
            if let Err(ControllerError::ObjectNotFound(gone)) = result {
                let namespace = gone.namespace.clone().unwrap_or_default();
                context.forget(&ArchitectureKey { namespace, name: gone.name.clone() });
            }
            std::future::ready(())
        })
        .await;
}
