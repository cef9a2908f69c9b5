//! The peer as a role of the workload: from its configuration to its graceful stop.

use super::{
    handle::{PeerError, PeerHandle, PeerSetup},
    migration_target::OwnedItemsSink,
    settings::PeerSettings,
    timing::Timing,
};
use crate::{
    http::{self, HttpError, Request},
    migration::{self, BackfillJob},
    runtime::{Process, ReadinessCondition, RunError, Runtime, serve},
};
use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, time::Instant};

/// What is kept of a request's time so that a refusal still gets out with its reasons.
const ANSWER_MARGIN: Duration = Duration::from_millis(50);
/// How often readiness is looked at.
const READINESS_INTERVAL: Duration = Duration::from_millis(100);

impl From<PeerError> for RunError {
    fn from(error: PeerError) -> Self {
        Self::Role(error.into())
    }
}

/// A peer, as those see it who ask on the traffic port.
pub(super) struct PeerApi(pub(super) Arc<PeerHandle>);

/// When the peer must have an answer.
pub(super) fn answer_deadline(request: &Request<PeerSettings>) -> Instant {
    let now = Instant::now();
    let left = request.context.deadline.saturating_duration_since(now);
    now + left.saturating_sub(ANSWER_MARGIN)
}

/// Why there is no truthful answer, as it is told.
pub(super) fn unavailable_error(error: impl ToString) -> HttpError {
    HttpError::unavailable(error.to_string())
}

/// Runs a peer until it has drained or its disk fails. It is ready once it has joined the others
/// and has all the copies that they can give it.
///
/// # Errors
/// If its volume or a port cannot be had, or the disk fails: a restart then recovers what was
/// acknowledged.
pub async fn run(process: Process) -> Result<(), RunError> {
    run_with(process, Timing::default()).await
}

pub(super) async fn run_with(process: Process, timing: Timing) -> Result<(), RunError> {
    let runtime = Runtime::<PeerSettings>::start(process).await?;
    let recovered = runtime.readiness.add_condition("recovered", "the items are being recovered");
    let joined = runtime.readiness.add_condition("joined", "looks for the other peers");
    let whole =
        runtime.readiness.add_condition("whole", "waits for the others to check its copies");
    let running = Arc::new(start_peer(&runtime, timing).await?);
    recovered.mark_met();
    running.register_metrics(&runtime.metrics);
    let (observed, config) = (Arc::clone(&running), runtime.config.clone());
    runtime
        .set_reporter(move |report| observed.add_observations(&config.current().component, report));
    let listener = serve::bind(runtime.options.listen_ip, runtime.options.traffic_port).await?;
    let serving = async {
        // Both end when the process drains.
        tokio::join!(
            http::serve_with_local_items(
                Arc::clone(&runtime),
                listener,
                PeerApi(Arc::clone(&running))
            ),
            migration::run_backfills(&runtime, |settings| backfill_job(settings, &running)),
        )
    };
    tokio::select! {
        _ = serving => Ok(()),
        error = running.wait_for_failure() => Err(error.into()),
        () = watch_readiness(&running, &joined, &whole) => Ok(()),
    }
}

/// What this peer copies from old homes.
fn backfill_job(settings: &PeerSettings, running: &PeerHandle) -> BackfillJob<OwnedItemsSink> {
    let layout = settings.members.as_ref().map(|members| members.layout.clone());
    let to = layout.map(|layout| Arc::new(OwnedItemsSink::new(&running.node, layout)));
    BackfillJob { sources: settings.migration_sources.clone(), sink: to }
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
    let overlay = first.overlay_name(loaded.architecture.as_str(), loaded.component.as_str());
    let (sender, members) = watch::channel(first);
    let mut follow = runtime.config.subscribe();
    tokio::spawn(async move {
        while follow.changed().await.is_ok() {
            match follow.borrow_and_update().settings.members.clone() {
                Some(members) => drop(sender.send_replace(members)),
                None => tracing::error!("the configuration names no member; the old ones stay"),
            }
        }
    });
    let (me, shutdown) = (runtime.options.pod.clone(), runtime.shutdown.clone());
    PeerHandle::start(PeerSetup { name: me, overlay, data, listener, members, timing, shutdown })
        .await
}

/// Keeps the conditions true. Copies are waited for once, after the start: later, others that come
/// or go are no reason to send users elsewhere.
async fn watch_readiness(
    running: &PeerHandle,
    joined: &ReadinessCondition,
    whole: &ReadinessCondition,
) {
    let mut was_whole = false;
    loop {
        let not_joined = running.join_blocker();
        was_whole |= not_joined.is_none() && running.replication_blocker().is_none();
        match not_joined {
            Some(missing) => joined.mark_unmet(missing),
            None => joined.mark_met(),
        }
        match running.replication_blocker().filter(|_| !was_whole) {
            Some(missing) => whole.mark_unmet(missing),
            None if was_whole => whole.mark_met(),
            None => whole.mark_unmet("not joined yet"),
        }
        tokio::time::sleep(READINESS_INTERVAL).await;
    }
}
