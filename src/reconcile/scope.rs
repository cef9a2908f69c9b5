//! Runs the operator: for each scope its watches, its queue and its poller.

use super::{
    caches::{Scope, Watches},
    context::Context,
    error::Error,
    fetch::Fetcher,
    health::Pulse,
    key::ArchitectureKey,
    memory::Memories,
    metrics::Metrics,
    poll::{Poller, Polls},
    reconciler::{after_failure, reconcile},
    reports::Reports,
};
use crate::render::RenderSettings;
use futures::{
    StreamExt,
    channel::mpsc::{UnboundedReceiver, unbounded},
};
use kube::{
    Client,
    runtime::{
        applier,
        controller::{Config, Error as ControllerError},
        events::{Recorder, Reporter},
    },
};
use std::{sync::Arc, time::Duration};
use tokio::task::JoinSet;

/// Requests that come within this time are one: an object's creation has many echoes.
const DEBOUNCE: Duration = Duration::from_millis(50);

/// How the operator runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// The namespaces to work in; none: all.
    pub namespaces: Vec<String>,
    /// What is the same for every Architecture.
    pub settings: RenderSettings,
    /// How many Architectures are worked on at once.
    pub concurrency: u16,
    /// This replica's name, for Events.
    pub instance: String,
}

/// Runs until a watch ends, which none does while all is well.
pub async fn run(client: Client, options: Options) {
    let metrics = Arc::new(Metrics::new());
    let reporter =
        Reporter { controller: "maquette".to_owned(), instance: Some(options.instance.clone()) };
    let recorder = Recorder::new(client.clone(), reporter);
    let scopes = match options.namespaces.as_slice() {
        [] => vec![Scope::All],
        namespaces => namespaces.iter().cloned().map(Scope::Namespace).collect(),
    };
    let mut tasks = JoinSet::new();
    let mut pulses: Vec<Arc<Pulse>> = vec![];
    for scope in scopes {
        let (queue, requests) = unbounded();
        let watches = Watches {
            client: &client,
            scope: &scope,
            queue: queue.clone(),
            tasks: &mut tasks,
            pulses: &mut pulses,
        };
        let caches = watches.start();
        let reports = Arc::<Reports>::default();
        let polls = Arc::<Polls>::default();
        let poller = Poller {
            polls: Arc::clone(&polls),
            pods: Arc::clone(&caches.pods),
            reports: Arc::clone(&reports),
            fetcher: Fetcher::new(),
            queue,
        };
        let context = Context {
            client: client.clone(),
            settings: options.settings.clone(),
            caches,
            memories: Memories::default(),
            reports,
            polls,
            recorder: recorder.clone(),
            metrics: Arc::clone(&metrics),
        };
        tasks.spawn(poller.run());
        tasks.spawn(work(context, requests, options.concurrency));
    }
    tasks.join_next().await;
}

/// Works on every Architecture that `requests` names, one at a time each.
async fn work(context: Context, requests: UnboundedReceiver<ArchitectureKey>, concurrency: u16) {
    let context = Arc::new(context);
    let store = context.caches.architectures.clone();
    let queue = requests.map(|key| Ok::<_, Error>(key.object_ref()));
    let config = Config::default().debounce(DEBOUNCE).concurrency(concurrency);
    let reconcile = |architecture, context| Box::pin(reconcile(architecture, context));
    applier(reconcile, after_failure, Arc::clone(&context), store, queue, config)
        .for_each(|result| {
            if let Err(ControllerError::ObjectNotFound(gone)) = result {
                let namespace = gone.namespace.clone().unwrap_or_default();
                context.forget(&ArchitectureKey { namespace, name: gone.name.clone() });
            }
            std::future::ready(())
        })
        .await;
}
