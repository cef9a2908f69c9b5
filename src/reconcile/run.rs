//! Runs the operator: HTTP, leader election, and the work while this replica leads.

use super::{
    admin,
    caches::Scope,
    client::client,
    health::Health,
    lease::Candidate,
    metrics::Metrics,
    scope::{Shared, start},
};
use crate::render::RenderSettings;
use kube::{
    Client, Config,
    runtime::events::{Recorder, Reporter},
};
use maquette_contract::keys::MANAGER;
use std::{collections::BTreeSet, net::SocketAddr, sync::Arc};
use tokio::{net::TcpListener, task::JoinSet};

/// How the operator runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// The namespaces to work in; none: all.
    pub namespaces: BTreeSet<String>,
    /// What is the same for every Architecture.
    pub settings: RenderSettings,
    /// How many Architectures are worked on at once.
    pub concurrency: u16,
    /// Where `/livez`, `/readyz` and `/metrics` are served.
    pub http_address: SocketAddr,
    /// The namespace of the Lease that one of several replicas holds; none: no election.
    pub lease_namespace: Option<String>,
    /// This replica's name, unlike all others', for the Lease and Events.
    pub instance: String,
}

/// Why the operator ended although nobody asked it to.
#[derive(Debug, thiserror::Error)]
pub enum Ended {
    /// The address for HTTP is not to be had.
    #[error("cannot listen on {address}: choose another --http-address")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The client could not be made.
    #[error("the client of the API server cannot be made from the configuration")]
    Client(#[source] Box<kube::Error>),
    /// Another replica leads, or nobody could be asked whether this one still does.
    #[error("this replica leads no more")]
    LostLease,
    /// A part that never ends did.
    #[error("a watch or the work itself ended; this is a bug")]
    Broken,
}

/// Runs until `stop`, or until it cannot go on.
///
/// # Errors
/// When it cannot begin, or ends although nobody asked it to: it is to be started again.
pub async fn run(
    config: Config,
    options: Options,
    stop: impl Future<Output = ()>,
) -> Result<(), Ended> {
    let metrics = Arc::new(Metrics::new());
    let health = Arc::<Health>::default();
    let client =
        client(config, Arc::clone(&metrics)).map_err(|error| Ended::Client(Box::new(error)))?;
    let address = options.http_address;
    let listener =
        TcpListener::bind(address).await.map_err(|source| Ended::Listen { address, source })?;
    let address = listener.local_addr().unwrap_or(address);
    tracing::info!(%address, "serving probes and metrics");
    let mut http = JoinSet::new();
    http.spawn(admin::serve(listener, Arc::clone(&health), Arc::clone(&metrics)));
    let shared = shared(&client, &options, metrics, health);
    match options.lease_namespace.clone() {
        None => work(&shared, &options, stop).await,
        Some(namespace) => {
            let candidate = Candidate::new(client, &namespace, options.instance.clone());
            elected(candidate, &shared, &options, stop).await
        }
    }
}

fn shared(
    client: &Client,
    options: &Options,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
) -> Shared {
    let reporter =
        Reporter { controller: MANAGER.to_owned(), instance: Some(options.instance.clone()) };
    Shared {
        client: client.clone(),
        settings: options.settings.clone(),
        concurrency: options.concurrency,
        recorder: Recorder::new(client.clone(), reporter),
        metrics,
        health,
    }
}

/// Works while this replica leads. The Lease is given up only when nothing is under way any more.
async fn elected(
    mut candidate: Candidate,
    shared: &Shared,
    options: &Options,
    stop: impl Future<Output = ()>,
) -> Result<(), Ended> {
    let mut stop = std::pin::pin!(stop);
    shared.metrics.leads(false);
    tracing::info!(instance = options.instance, "waiting for the lease");
    tokio::select! {
        () = candidate.lead() => {}
        () = &mut stop => return Ok(()),
    }
    shared.metrics.leads(true);
    tracing::info!(instance = options.instance, "this replica leads");
    let result = tokio::select! {
        result = work(shared, options, stop) => result,
        () = candidate.keep() => Err(Ended::LostLease),
    };
    candidate.give_up().await;
    result
}

/// Works until `stop`; nothing is under way any more when it returns.
async fn work(
    shared: &Shared,
    options: &Options,
    stop: impl Future<Output = ()>,
) -> Result<(), Ended> {
    let mut tasks = JoinSet::new();
    let named = options.namespaces.iter().cloned().map(Scope::Namespace);
    named.for_each(|scope| start(shared, &scope, &mut tasks));
    if options.namespaces.is_empty() {
        start(shared, &Scope::All, &mut tasks);
    }
    let result = tokio::select! {
        () = stop => Ok(()),
        _ = tasks.join_next() => Err(Ended::Broken),
    };
    tasks.shutdown().await;
    result
}
