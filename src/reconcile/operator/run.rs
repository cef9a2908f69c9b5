//! Runs the operator: HTTP, leader election, and the watch scopes while this replica leads.

use super::{
    super::{
        metrics::Metrics,
        watch::{Health, Installation, RolloutSlots, WatchScope},
    },
    admin,
    client::{REQUEST_READ_TIMEOUT, WATCH_READ_TIMEOUT, build_client},
    lease::{LeaseCandidate, LeaseName},
    scope::{SharedParts, start_scope},
};
use crate::render::RenderSettings;
use kube::{Client, Config, runtime::events::Reporter};
use maquette_contract::keys::MANAGER;
use std::{collections::BTreeSet, net::SocketAddr, sync::Arc};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::task::TaskTracker;

/// How the operator runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// The namespaces to watch; if empty, all.
    pub namespaces: BTreeSet<String>,
    /// The settings that all Architectures share.
    pub settings: RenderSettings,
    /// How many reconciles run at once.
    pub concurrency: u16,
    /// How many Architectures change their pods at once.
    pub max_concurrent_rollouts: u16,
    /// Where `/livez`, `/readyz` and `/metrics` are served.
    pub http_address: SocketAddr,
    /// The Lease that one of several replicas holds; none: no election.
    pub lease: Option<LeaseName>,
    /// This replica's unique name in the Lease and in Events.
    pub instance: String,
}

/// Why the operator ended although it was not asked to stop.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The address for HTTP is not available.
    #[error("cannot listen on {address}: choose another --http-address")]
    Listen {
        /// The address of `--http-address`.
        address: SocketAddr,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The configuration has no valid address or credentials.
    #[error("cannot make a client of the API server from the kubeconfig or the service account")]
    Client(#[source] Box<kube::Error>),
    /// Another replica holds the Lease, or the API server did not confirm that this one does.
    #[error("this replica no longer holds the lease")]
    LostLease,
    /// A task that never ends did.
    #[error("a watch or the controller ended, which is a bug: please report it")]
    TaskEnded,
}

/// Runs until `stop`, or until an error.
///
/// # Errors
/// When it cannot start, or ends without `stop`: it should be started again.
pub async fn run(
    config: Config,
    options: Options,
    stop: impl Future<Output = ()>,
) -> Result<(), RunError> {
    let metrics = Arc::new(Metrics::new());
    let health = Arc::<Health>::default();
    let clients = Clients::new(&config, &metrics)?;
    let requested = options.http_address;
    let listener = TcpListener::bind(requested)
        .await
        .map_err(|source| RunError::Listen { address: requested, source })?;
    let address = listener.local_addr().unwrap_or(requested);
    tracing::info!(%address, "serving probes and metrics");
    let mut http = JoinSet::new();
    http.spawn(admin::serve(listener, Arc::clone(&health), Arc::clone(&metrics)));
    let parts = share_parts(&clients, &options, metrics, health);
    match &options.lease {
        None => run_scopes(&parts, &options, stop).await,
        Some(lease) => {
            let candidate = LeaseCandidate::new(clients.requests, lease, options.instance.clone());
            run_elected(candidate, &parts, &options, stop).await
        }
    }
}

/// The clients of the API server.
struct Clients {
    requests: Client,
    watches: Client,
}

impl Clients {
    fn new(config: &Config, metrics: &Arc<Metrics>) -> Result<Self, RunError> {
        let build = |read_timeout| {
            build_client(config.clone(), read_timeout, Arc::clone(metrics))
                .map_err(|error| RunError::Client(Box::new(error)))
        };
        Ok(Self { requests: build(REQUEST_READ_TIMEOUT)?, watches: build(WATCH_READ_TIMEOUT)? })
    }
}

fn share_parts(
    clients: &Clients,
    options: &Options,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
) -> SharedParts {
    let reporter =
        Reporter { controller: MANAGER.to_owned(), instance: Some(options.instance.clone()) };
    let name = options.lease.as_ref().map(|lease| format!("{}/{}", lease.namespace, lease.name));
    let installation = Installation::new(clients.requests.clone(), name, Arc::clone(&metrics));
    SharedParts {
        client: clients.requests.clone(),
        watch_client: clients.watches.clone(),
        settings: options.settings.clone(),
        concurrency: options.concurrency,
        installation: Arc::new(installation),
        reconciles: TaskTracker::new(),
        reporter,
        metrics,
        health,
        rollout_slots: Arc::new(RolloutSlots::new(options.max_concurrent_rollouts)),
    }
}

/// Runs the scopes while this replica leads.
async fn run_elected(
    mut candidate: LeaseCandidate,
    parts: &SharedParts,
    options: &Options,
    stop: impl Future<Output = ()>,
) -> Result<(), RunError> {
    let mut stop = std::pin::pin!(stop);
    parts.metrics.set_leader(false);
    tracing::info!(instance = options.instance, "waiting for the lease");
    tokio::select! {
        () = candidate.acquire() => {}
        () = &mut stop => return Ok(()),
    }
    parts.metrics.set_leader(true);
    tracing::info!(instance = options.instance, "this replica leads");
    let result = tokio::select! {
        result = run_scopes(parts, options, stop) => result,
        () = candidate.renew_until_lost() => Err(RunError::LostLease),
    };
    // Released only now: no reconcile of this replica is in progress any more.
    candidate.release().await;
    result
}

/// Runs until `stop`. No reconcile is in progress when it returns.
async fn run_scopes(
    parts: &SharedParts,
    options: &Options,
    stop: impl Future<Output = ()>,
) -> Result<(), RunError> {
    let mut tasks = JoinSet::new();
    for namespace in &options.namespaces {
        start_scope(parts, &WatchScope::Namespace(namespace.clone()), &mut tasks);
    }
    if options.namespaces.is_empty() {
        start_scope(parts, &WatchScope::All, &mut tasks);
    }
    let result = tokio::select! {
        () = stop => Ok(()),
        _ = tasks.join_next() => Err(RunError::TaskEnded),
    };
    tasks.shutdown().await;
    // Their tasks were aborted with the controllers; none may still send a request.
    parts.reconciles.close();
    parts.reconciles.wait().await;
    result
}
