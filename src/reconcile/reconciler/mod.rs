//! The reconciler: the list of its steps. The status is written whatever fails before it.

mod changes;
mod decision;

use self::{
    changes::make_changes,
    decision::{Decision, decide},
};
use super::{
    apply::delete_canaries,
    context::{Context, ReconcileContext},
    error::{ApplyError, ReconcileError, catch_panic},
    key::ArchitectureKey,
    outcome::ReconcileOutcome,
    publish::{find_ready, is_ready, leave_alone, report_panic, write_status},
    reports::PollMode,
    volumes::set_claim_owners,
    watch::{LenientArchitecture, NextTurn},
};
use crate::{
    api::VolumeStatus,
    observe::{
        Acceptance, Assessment, IssueKind, RunningTopology, Subject, Target, running_topology,
    },
};
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};

/// The steps end after this time, so that the status is always written: longer than the timeout of
/// one request.
const STEPS_TIMEOUT: Duration = Duration::from_secs(20);
/// How long the write of the status may take.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(20);
/// The wait while the caches have not seen our writes; their events usually come first.
const CATCH_UP_DELAY: Duration = Duration::from_secs(2);
/// How often an Architecture that another installation builds is looked at: that one may have ended.
const OTHER_INSTALLATION_PERIOD: Duration = Duration::from_secs(10);
/// The wait without any event. Such a reconcile makes no request if nothing changed.
const RESYNC_PERIOD: Duration = Duration::from_secs(300);

/// Makes the cluster match an Architecture, as far as is possible now. Returns when to do so again.
pub(super) async fn reconcile(key: &ArchitectureKey, shared: &Context) -> NextTurn {
    let Some(current) = shared.caches.architectures.get(&key.object_ref()) else {
        shared.forget_architecture(key);
        return NextTurn::OnEvent;
    };
    if let Some(next) = deferred_turn(&current, key, shared) {
        return next;
    }
    if let Some(other) = shared.installation.other_builder(&current).await {
        leave_alone(&current, key, &other, shared).await;
        return NextTurn::After(OTHER_INSTALLATION_PERIOD);
    }
    let _active = shared.metrics.start_reconcile();
    let started = Instant::now();
    let result = match catch_panic(run_steps(&current, shared)).await {
        Ok(result) => result,
        Err(message) => Err(handle_panic(&current, shared, key, message).await),
    };
    shared.metrics.record_reconcile(started.elapsed(), &result);
    let generation = current.metadata.generation.unwrap_or_default();
    shared.states.with(key, |state| {
        state.record_end(Instant::now().into_std(), generation);
        if result.is_ok() {
            state.clear_failures();
        }
    });
    let wait = result.unwrap_or_else(|error| retry_wait(key, generation, &error, shared));
    NextTurn::After(wait)
}

/// A bug costs one Architecture, and its status says so.
async fn handle_panic(
    architecture: &LenientArchitecture,
    shared: &Context,
    key: &ArchitectureKey,
    message: String,
) -> ReconcileError {
    shared.metrics.count_panic();
    tracing::error!(architecture = %key, message, "a reconcile panicked");
    // Which components got a new configuration before is unknown.
    shared.invalidate_reports(key, |_| true);
    shared.rollout_slots.release(key);
    let report = report_panic(shared, architecture, &message);
    // A panic of its own is logged by the hook; there is nothing else to do about it.
    let _ = catch_panic(timeout(PUBLISH_TIMEOUT, report)).await;
    ReconcileError::Panicked(message)
}

/// Defers the reconcile if the Architecture is being deleted, or failed or was reconciled a moment
/// ago, or if the caches are behind.
fn deferred_turn(
    architecture: &LenientArchitecture,
    key: &ArchitectureKey,
    shared: &Context,
) -> Option<NextTurn> {
    if architecture.metadata.deletion_timestamp.is_some() {
        return Some(NextTurn::OnEvent);
    }
    // The last list of the scope, and a watch that fails for long, queue all Architectures.
    if !shared.caches.all_listed() && shared.caches.watch_problems().is_empty() {
        return Some(NextTurn::OnEvent);
    }
    let generation = architecture.metadata.generation.unwrap_or_default();
    shared.states.with(key, |state| {
        let now = Instant::now().into_std();
        let backoff = state.remaining_backoff(now, generation);
        let is_behind = !state.has_seen_writes();
        let wait = backoff.or(is_behind.then_some(CATCH_UP_DELAY));
        wait.or_else(|| state.remaining_pause(now, generation)).map(NextTurn::PutOff)
    })
}

async fn run_steps(
    architecture: &LenientArchitecture,
    shared: &Context,
) -> Result<Duration, ReconcileError> {
    let cx = ReconcileContext::new(shared, architecture)?;
    let _use = shared.caches.start_use(cx.key());
    let deadline = Instant::now() + STEPS_TIMEOUT;
    let mut outcome = ReconcileOutcome::default();
    outcome.applied.volumes = previous_volumes(&cx);
    let owners = timeout_at(deadline, set_claim_owners(&cx, &mut outcome)).await;
    let (snapshot, next_look) = cx.explained_snapshot(cx.now());
    let running = running_topology(&cx.identity, &snapshot);
    let decision = decide(&cx, &snapshot, &running, deadline).await;
    let Decision { mut target, change, issues, volume_notes, .. } = decision;
    let Decision { next_look: next_reading, is_unwatched, .. } = decision;
    outcome.applied.issues.extend(issues);
    outcome.applied.volume_notes.extend(volume_notes);
    next_look.into_iter().chain(next_reading).for_each(|wait| outcome.requeue_within(wait));
    // While an object is unreadable, canaries may belong to a change that goes on afterwards.
    let is_refused = !matches!(target.acceptance, Acceptance::Accepted { .. });
    let changes = async {
        if let Some(change) = change {
            let refusal = make_changes(&cx, change, &snapshot, &running, &mut outcome).await;
            target.stops.extend(refusal);
        } else if !is_unwatched && is_refused {
            delete_canaries(&cx, &snapshot, &mut outcome).await;
        }
    };
    let changed = timeout_at(deadline, changes).await;
    if !target.stops.is_empty() {
        shared.rollout_slots.release(cx.key());
    }
    if owners.and(changed).is_err() || Instant::now() >= deadline {
        // Which components got a new configuration before the timeout is unknown.
        shared.invalidate_reports(cx.key(), |_| true);
        outcome.record_result::<()>(Err(steps_timeout()));
    }
    match publish(&cx, &target, &running, outcome).await {
        // The watch queues all Architectures when it works again: no other attempt is needed.
        Err(ReconcileError::UnresolvedIssue { retry_within, .. }) if is_unwatched => {
            Ok(retry_within.unwrap_or(RESYNC_PERIOD))
        }
        result => result,
    }
}

fn previous_volumes(cx: &ReconcileContext<'_>) -> Vec<VolumeStatus> {
    let before = cx.architecture.status.as_ref();
    before.map(|status| status.volumes.clone()).unwrap_or_default()
}

fn steps_timeout() -> ApplyError {
    let message = format!(
        "the API server did not complete all requests within {} s; the next attempt continues",
        STEPS_TIMEOUT.as_secs()
    );
    ApplyError::from_issue(IssueKind::Unavailable, message)
}

/// Writes the status and returns the wait for the next reconcile.
async fn publish(
    cx: &ReconcileContext<'_>,
    target: &Target,
    running: &RunningTopology,
    mut outcome: ReconcileOutcome,
) -> Result<Duration, ReconcileError> {
    let subject = Subject {
        identity: &cx.identity,
        generation: cx.generation(),
        operator: cx.shared.installation.name(),
        previous: cx.architecture.status.as_ref(),
    };
    let status = Assessment::new(subject, target, &outcome.applied, running, cx.now()).status();
    let entry = target.entry.as_ref().map(ToString::to_string);
    let mode = PollMode { is_ready: is_ready(&status), entry };
    cx.shared.poll_schedule.set_mode(cx.key(), mode);
    cx.shared.metrics.evolutions.record_status(cx.key(), status.evolution.as_ref());
    if let Some(ready) = find_ready(&status) {
        cx.shared.metrics.architectures.record_ready(cx.key(), &ready.status, &ready.reason);
    }
    let steps_wait = outcome.requeue_after.take();
    match timeout(PUBLISH_TIMEOUT, write_status(cx, &status, &mut outcome)).await {
        Ok(written) => written?,
        Err(_) => return Err(ReconcileError::StatusTimeout(PUBLISH_TIMEOUT.as_secs())),
    }
    // What the steps wait for is looked at after the back-off, which an issue needs anyway.
    let retry_within = outcome.requeue_after;
    steps_wait.into_iter().for_each(|wait| outcome.requeue_within(wait));
    match outcome.applied.issues.iter().max_by_key(|issue| issue.kind) {
        Some(worst) if worst.kind == IssueKind::Removal => {
            Ok(outcome.requeue_after.unwrap_or(CATCH_UP_DELAY))
        }
        Some(worst) => Err(ReconcileError::UnresolvedIssue { issue: worst.clone(), retry_within }),
        None => Ok(outcome.requeue_after.unwrap_or(RESYNC_PERIOD)),
    }
}

/// The wait before a failed reconcile is retried, longer each time.
fn retry_wait(
    key: &ArchitectureKey,
    generation: i64,
    error: &ReconcileError,
    shared: &Context,
) -> Duration {
    let (longest, jitter) = (error.max_backoff(), rand::random());
    let wait = shared.states.with(key, |state| {
        state.record_failure(Instant::now().into_std(), generation, longest, jitter)
    });
    tracing::warn!(
        architecture = %key, %error, retry_in_seconds = wait.as_secs_f64(),
        "reconcile failed"
    );
    wait
}
