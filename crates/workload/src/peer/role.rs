//! The peer as a role of the workload: from its configuration to its graceful stop.

use super::{
    api::{OwnedItemsSink, PeerApi},
    handle::{PeerError, PeerHandle, PeerSetup},
    settings::PeerSettings,
    timing::Timing,
};
use crate::{
    http,
    migration::{self, BackfillJob},
    runtime::{Process, ReadinessCondition, RunError, Runtime, serve},
};
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// Between two updates of the readiness conditions.
const READINESS_INTERVAL: Duration = Duration::from_millis(100);

impl From<PeerError> for RunError {
    fn from(error: PeerError) -> Self {
        Self::Role(error.into())
    }
}

/// Runs a peer until it has drained or its disk fails. It is ready once it has joined the others
/// and has all the copies that they can send it.
///
/// # Errors
/// If the volume or a port cannot be used, or the disk fails. A restart recovers all acknowledged
/// writes.
pub async fn run(process: Process) -> Result<(), RunError> {
    run_with(process, Timing::default()).await
}

pub(super) async fn run_with(process: Process, timing: Timing) -> Result<(), RunError> {
    let runtime = Runtime::<PeerSettings>::start(process).await?;
    let recovered = runtime.readiness.add_condition("recovered", "the items are being recovered");
    let joined =
        runtime.readiness.add_condition("joined", "this peer does not see the other peers yet");
    let replicated = runtime
        .readiness
        .add_condition("replicated", "the other peers have not checked its copies yet");
    let handle = Arc::new(start_peer(&runtime, timing).await?);
    recovered.mark_met();
    handle.register_metrics(&runtime.metrics);
    let (observed, config) = (Arc::clone(&handle), runtime.config.clone());
    runtime.set_reporter(move |report| {
        observed.add_observations(config.current().component(), report)
    });
    let listener = serve::bind(runtime.options.listen_ip, runtime.options.traffic_port).await?;
    let internal = serve::bind(runtime.options.listen_ip, runtime.options.internal_port).await?;
    let serving = async {
        // Both return when the process drains.
        tokio::join!(
            http::serve_with_local_items(
                Arc::clone(&runtime),
                listener,
                internal,
                PeerApi(Arc::clone(&handle))
            ),
            migration::run_backfills(&runtime, |settings| backfill_job(settings, &handle)),
        )
    };
    tokio::select! {
        _ = serving => Ok(()),
        error = handle.wait_for_failure() => Err(error.into()),
        () = watch_readiness(&handle, &joined, &replicated) => Ok(()),
    }
}

/// The backfill of this peer's share; no sink without members.
fn backfill_job(settings: &PeerSettings, handle: &PeerHandle) -> BackfillJob<OwnedItemsSink> {
    let sink = settings.members.as_ref().map(|members| {
        let (peer, replica) = (Arc::clone(handle.peer()), handle.replica().clone());
        Arc::new(OwnedItemsSink::new(peer, replica, members.layout.clone()))
    });
    BackfillJob { sources: settings.migration_sources.clone(), sink }
}

async fn start_peer(
    runtime: &Arc<Runtime<PeerSettings>>,
    timing: Timing,
) -> Result<PeerHandle, PeerError> {
    let data = runtime.options.data.clone().ok_or(PeerError::NoData)?;
    let (ip, port) = (runtime.options.listen_ip, runtime.options.peers_port);
    let listener = serve::bind(ip, port).await?;
    let loaded = runtime.config.current();
    let first = loaded.settings.members.clone().ok_or(PeerError::NoMembers)?;
    let overlay = first.overlay_name();
    let (sender, members) = watch::channel(first);
    let mut config = runtime.config.subscribe();
    tokio::spawn(async move {
        while config.changed().await.is_ok() {
            match config.borrow_and_update().settings.members.clone() {
                Some(members) => drop(sender.send_replace(members)),
                None => {
                    tracing::error!(
                        "the configuration lists no member; the previous members stay in force"
                    )
                }
            }
        }
    });
    let (name, shutdown) = (runtime.options.pod.clone(), runtime.shutdown.clone());
    PeerHandle::start(PeerSetup { name, overlay, data, listener, members, timing, shutdown }).await
}

/// Updates the readiness conditions. Once `replicated` is met it stays met: a change of the other
/// peers is no reason to take this one out of its Service.
async fn watch_readiness(
    handle: &PeerHandle,
    joined: &ReadinessCondition,
    replicated: &ReadinessCondition,
) {
    let mut was_replicated = false;
    loop {
        let join_blocker = handle.join_blocker();
        was_replicated |= join_blocker.is_none() && handle.replication_blocker().is_none();
        match join_blocker {
            Some(reason) => joined.mark_unmet(reason),
            None => joined.mark_met(),
        }
        match handle.replication_blocker().filter(|_| !was_replicated) {
            Some(reason) => replicated.mark_unmet(reason),
            None if was_replicated => replicated.mark_met(),
            None => replicated.mark_unmet("not joined yet"),
        }
        tokio::time::sleep(READINESS_INTERVAL).await;
    }
}
