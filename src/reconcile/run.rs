//! Runs the operator: HTTP, leader election, and the work while this replica leads.

use super::{
    admin,
    caches::WatchScope,
    client::build_client,
    health::Health,
    lease::LeaseCandidate,
    metrics::Metrics,
    scope::{SharedParts, start_scope},
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
pub enum RunError {
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
    TaskEnded,
}

/// Runs until `stop`, or until it cannot go on.
///
/// # Errors
/// When it cannot begin, or ends although nobody asked it to: it is to be started again.
pub async fn run(
    config: Config,
    options: Options,
    stop: impl Future<Output = ()>,
) -> Result<(), RunError> {
    let metrics = Arc::new(Metrics::new());
    let health = Arc::<Health>::default();
    let client = build_client(config, Arc::clone(&metrics))
        .map_err(|error| RunError::Client(Box::new(error)))?;
    let address = options.http_address;
    let listener =
        TcpListener::bind(address).await.map_err(|source| RunError::Listen { address, source })?;
    let address = listener.local_addr().unwrap_or(address);
    tracing::info!(%address, "serving probes and metrics");
    let mut http = JoinSet::new();
    http.spawn(admin::serve(listener, Arc::clone(&health), Arc::clone(&metrics)));
    let shared = share_parts(&client, &options, metrics, health);
    match options.lease_namespace.clone() {
        None => run_scopes(&shared, &options, stop).await,
        Some(namespace) => {
            let candidate = LeaseCandidate::new(client, &namespace, options.instance.clone());
            run_elected(candidate, &shared, &options, stop).await
        }
    }
}

fn share_parts(
    client: &Client,
    options: &Options,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
) -> SharedParts {
    let reporter =
        Reporter { controller: MANAGER.to_owned(), instance: Some(options.instance.clone()) };
    SharedParts {
        client: client.clone(),
        settings: options.settings.clone(),
        concurrency: options.concurrency,
        recorder: Recorder::new(client.clone(), reporter),
        metrics,
        health,
    }
}

/// Works while this replica leads. The Lease is given up only when nothing is under way any more.
async fn run_elected(
    mut candidate: LeaseCandidate,
    shared: &SharedParts,
    options: &Options,
    stop: impl Future<Output = ()>,
) -> Result<(), RunError> {
    let mut stop = std::pin::pin!(stop);
    shared.metrics.set_leader(false);
    tracing::info!(instance = options.instance, "waiting for the lease");
    tokio::select! {
        () = candidate.acquire() => {}
        () = &mut stop => return Ok(()),
    }
    shared.metrics.set_leader(true);
    tracing::info!(instance = options.instance, "this replica leads");
    let result = tokio::select! {
        result = run_scopes(shared, options, stop) => result,
        () = candidate.renew_until_lost() => Err(RunError::LostLease),
    };
    candidate.release().await;
    result
}

/// Works until `stop`; nothing is under way any more when it returns.
async fn run_scopes(
    shared: &SharedParts,
    options: &Options,
    stop: impl Future<Output = ()>,
) -> Result<(), RunError> {
    let mut tasks = JoinSet::new();
    let named = options.namespaces.iter().cloned().map(WatchScope::Namespace);
    named.for_each(|scope| start_scope(shared, &scope, &mut tasks));
    if options.namespaces.is_empty() {
        start_scope(shared, &WatchScope::All, &mut tasks);
    }
    let result = tokio::select! {
        () = stop => Ok(()),
        _ = tasks.join_next() => Err(RunError::TaskEnded),
    };
    tasks.shutdown().await;
    result
}
