//! The store as a role of the workload, from its configuration to its graceful stop.

use super::{StoreMetrics, StoreServer};
use crate::{
    runtime::{Edge, Process, RoleSettings, RunError, Runtime, serve},
    storage::{PREDECESSOR_TIMEOUT, Storage},
};
use maquette_contract::{ComponentIdentity, Role, RoleConfig};
use std::sync::Arc;

/// A store's configuration has no fields.
#[derive(Debug)]
struct StoreSettings;

impl RoleSettings for StoreSettings {
    const ROLE: Role = Role::Store;

    fn build(role: RoleConfig, _own: &ComponentIdentity, _before: Option<&Self>) -> Option<Self> {
        matches!(role, RoleConfig::Store(_)).then_some(Self)
    }

    fn edges(&self) -> Vec<Arc<Edge>> {
        vec![]
    }
}

/// Why a store cannot start.
#[derive(Debug, thiserror::Error)]
enum StoreError {
    #[error("a store needs a directory for its items: set --data DIR")]
    NoDirectory,
}

impl From<StoreError> for RunError {
    fn from(error: StoreError) -> Self {
        Self::Role(error.into())
    }
}

/// Runs a store until a stop is requested or its disk fails. It is ready once the items are
/// recovered and its port is open.
///
/// # Errors
/// If the items or a port cannot be opened, or if the disk fails. A restart recovers every
/// acknowledged write.
pub async fn run(process: Process) -> Result<(), RunError> {
    let runtime = Runtime::<StoreSettings>::start(process).await?;
    let recovered = runtime.readiness.add_condition("recovered", "the items are being recovered");
    let listening = runtime.readiness.add_condition("listening", "the port is not open yet");
    let storage = tokio::select! {
        opened = open_storage(&runtime) => opened?,
        () = runtime.shutdown.wait_until_draining() => return Ok(()),
    };
    recovered.mark_met();

    let metrics = StoreMetrics::default();
    metrics.register_all(&mut runtime.metrics.registry());
    storage.register_metrics(&mut runtime.metrics.registry());
    let (count, volume) = (storage.item_counter(), storage.volume_observer());
    runtime.set_reporter(move |report| {
        (report.items, report.volume) = (Some(count()), Some(volume()));
    });

    let listener = serve::bind(runtime.options.listen_ip, runtime.options.store_port).await?;
    let (address, items) = (serve::address(&listener)?, storage.item_count());
    tracing::info!(%address, items, "listening");
    let (observed, config) = (Arc::clone(&runtime), runtime.config.clone());
    let server = StoreServer::new(listener, storage.clone(), metrics)?
        .with_observer(move |took, failed| observed.served_traffic.record(took, failed))
        .with_recipient_check(move |named| config.current().identity.check_recipient(named));
    listening.mark_met();
    tokio::select! {
        () = server.run(runtime.shutdown.wait_until_draining()) => Ok(()),
        error = storage.wait_for_failure() => Err(RunError::Role(error.into())),
    }
}

async fn open_storage(runtime: &Runtime<StoreSettings>) -> Result<Storage, RunError> {
    let directory = runtime.options.data.clone().ok_or(StoreError::NoDirectory)?;
    let opened = Storage::open_when_released(directory, PREDECESSOR_TIMEOUT).await;
    opened.map_err(|error| RunError::Role(error.into()))
}
