//! The store as a role of the workload: from its configuration to its graceful stop.

use super::{Metrics, Server};
use crate::{
    RunError,
    runtime::{Edge, Process, Runtime, Settings, serve},
    storage::Storage,
};
use maquette_contract::{Role, RoleConfig};
use std::sync::Arc;

/// A store has no settings of its own.
#[derive(Debug)]
struct StoreSettings;

impl Settings for StoreSettings {
    const ROLE: Role = Role::Store;

    fn build(role: RoleConfig, _before: Option<&Self>) -> Option<Self> {
        matches!(role, RoleConfig::Store(_)).then_some(Self)
    }

    fn edges(&self) -> Vec<Arc<Edge>> {
        vec![]
    }
}

/// Why a store ends.
#[derive(Debug, thiserror::Error)]
enum StoreError {
    #[error("a store needs a directory for its items: give --data DIR")]
    NoDirectory,
    #[error("recovery of the items was cut off: {0}")]
    Recovery(tokio::task::JoinError),
}

impl From<StoreError> for RunError {
    fn from(error: StoreError) -> Self {
        Self::Role(error.into())
    }
}

/// Runs a store until it is asked to stop or its disk fails. It is ready once the items are
/// recovered and the port is open.
///
/// # Errors
/// If the items cannot be opened, a port cannot be had, or the disk fails: a restart then recovers
/// what was acknowledged.
pub async fn run(process: Process) -> Result<(), RunError> {
    let runtime = Runtime::<StoreSettings>::start(process).await?;
    let recovered = runtime.readiness.condition("recovered", "the items are being recovered");
    let listening = runtime.readiness.condition("listening", "the port is not open yet");
    let storage = open(&runtime).await?;
    recovered.fulfil();

    let metrics = Metrics::new();
    metrics.register(&mut runtime.metrics.registry());
    storage.register(&mut runtime.metrics.registry());
    let count = storage.counter();
    runtime.report(move |report| report.items = Some(count()));

    let listener = serve::bind(runtime.options.listen_ip, runtime.options.store_port).await?;
    tracing::info!(address = %serve::address(&listener)?, items = storage.count(), "listening");
    let observed = Arc::clone(&runtime);
    let server = Server::new(listener, storage.clone(), metrics)?
        .observed_by(move |took, failed| observed.served.record(took, failed));
    listening.fulfil();
    tokio::select! {
        () = server.run(runtime.shutdown.draining()) => Ok(()),
        error = storage.failed() => Err(RunError::Role(error.into())),
    }
}

async fn open(runtime: &Runtime<StoreSettings>) -> Result<Storage, RunError> {
    let directory = runtime.options.data.clone().ok_or(StoreError::NoDirectory)?;
    let opening = tokio::task::spawn_blocking(move || Storage::open(&directory));
    let opened = opening.await.map_err(StoreError::Recovery)?;
    opened.map_err(|error| RunError::Role(error.into()))
}
