//! The peer as a role of the workload: from its configuration to its graceful stop.

use super::{
    home::OwnShare,
    running::{PeerError, Running, Setup},
    settings::PeerSettings,
    timing::Timing,
};
use crate::{
    RunError,
    http::{self, Failure, Request},
    migration::{self, Job},
    runtime::{Condition, Process, Runtime, serve},
};
use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, time::Instant};

/// What is kept of a request's time so that a refusal still gets out with its reasons.
const MARGIN: Duration = Duration::from_millis(50);
/// How often readiness is looked at.
const LOOK: Duration = Duration::from_millis(100);

impl From<PeerError> for RunError {
    fn from(error: PeerError) -> Self {
        Self::Role(error.into())
    }
}

/// A peer, as those see it who ask on the traffic port.
pub(super) struct Peer(pub(super) Arc<Running>);

/// When the peer must have an answer.
pub(super) fn deadline(request: &Request<PeerSettings>) -> Instant {
    let now = Instant::now();
    let left = request.context.deadline.saturating_duration_since(now);
    now + left.saturating_sub(MARGIN)
}

/// Why there is no truthful answer, as it is told.
pub(super) fn unavailable(error: impl ToString) -> Failure {
    Failure::unavailable(error.to_string())
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
    let recovered = runtime.readiness.condition("recovered", "the items are being recovered");
    let joined = runtime.readiness.condition("joined", "looks for the other peers");
    let whole = runtime.readiness.condition("whole", "waits for the others to check its copies");
    let running = Arc::new(start(&runtime, timing).await?);
    recovered.fulfil();
    running.register(&runtime.metrics);
    let (observed, config) = (Arc::clone(&running), runtime.config.clone());
    runtime.report(move |report| observed.observe(&config.current().component, report));
    let listener = serve::bind(runtime.options.listen_ip, runtime.options.traffic_port).await?;
    let serving = async {
        // Both end when the process drains.
        tokio::join!(
            http::serve_with_held(Arc::clone(&runtime), listener, Peer(Arc::clone(&running))),
            migration::follow(&runtime, |settings| takes_over(settings, &running)),
        )
    };
    tokio::select! {
        _ = serving => Ok(()),
        error = running.failed() => Err(error.into()),
        () = watch_readiness(&running, &joined, &whole) => Ok(()),
    }
}

/// What this peer copies from old homes.
fn takes_over(settings: &PeerSettings, running: &Running) -> Job<OwnShare> {
    let layout = settings.members.as_ref().map(|members| members.layout.clone());
    let to = layout.map(|layout| Arc::new(OwnShare::new(&running.node, layout)));
    Job { origins: settings.origins.clone(), to }
}

async fn start(runtime: &Arc<Runtime<PeerSettings>>, timing: Timing) -> Result<Running, PeerError> {
    let data = runtime.options.data.clone().ok_or(PeerError::NoData)?;
    let (ip, port) = (runtime.options.listen_ip, runtime.options.peers_port);
    let listener = serve::bind(ip, port).await?;
    let loaded = runtime.config.current();
    let first = loaded.settings.members.clone().ok_or(PeerError::NoMembers)?;
    let overlay = first.overlay(loaded.architecture.as_str(), loaded.component.as_str());
    let (sender, members) = watch::channel(first);
    let mut follow = runtime.config.follow();
    tokio::spawn(async move {
        while follow.changed().await.is_ok() {
            match follow.borrow_and_update().settings.members.clone() {
                Some(members) => drop(sender.send_replace(members)),
                None => tracing::error!("the configuration names no member; the old ones stay"),
            }
        }
    });
    let (me, shutdown) = (runtime.options.pod.clone(), runtime.shutdown.clone());
    Running::start(Setup { me, overlay, data, listener, members, timing, shutdown }).await
}

/// Keeps the conditions true. Copies are waited for once, after the start: later, others that come
/// or go are no reason to send users elsewhere.
async fn watch_readiness(running: &Running, joined: &Condition, whole: &Condition) {
    let mut was_whole = false;
    loop {
        let not_joined = running.not_joined();
        was_whole |= not_joined.is_none() && running.not_whole().is_none();
        match not_joined {
            Some(missing) => joined.miss(missing),
            None => joined.fulfil(),
        }
        match running.not_whole().filter(|_| !was_whole) {
            Some(missing) => whole.miss(missing),
            None if was_whole => whole.fulfil(),
            None => whole.miss("not joined yet"),
        }
        tokio::time::sleep(LOOK).await;
    }
}
