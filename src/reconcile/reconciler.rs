//! The reconciler: the list of its steps.

use super::{
    apply::{apply_objects, claim_slot, prune_objects, refresh_stale_pods, run_canaries},
    context::{Context, ReconcileContext},
    error::ReconcileError,
    key::ArchitectureKey,
    outcome::ReconcileOutcome,
    publish::{is_ready, write_status},
    volumes::{ensure_claims, release_claims},
    watch::LenientArchitecture,
};
use crate::{
    api::{ArchitectureSpec, Shape, ValidationErrors},
    evolve::{Evolution, evolve},
    observe::{
        Acceptance, ActiveEvolution, ApplyOutcome, Assessment, Issue, IssueKind, RunningTopology,
        Subject, Target, running_topology,
    },
    plan::{Identity, Topology, plan},
    render::render,
    rollout::{RolloutInput, plan_rollout},
};
use k8s_openapi::jiff::Timestamp;
use kube::runtime::controller::Action;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// A reconcile that takes longer fails.
const RECONCILE_TIMEOUT: Duration = Duration::from_secs(30);
/// The wait while the first lists are incomplete.
const LIST_DELAY: Duration = Duration::from_millis(100);
/// The wait while the caches have not seen our writes; their events usually come first.
const CATCH_UP_DELAY: Duration = Duration::from_secs(2);
/// The wait without any event. Such a reconcile makes no request if nothing changed.
const RESYNC_PERIOD: Duration = Duration::from_secs(300);

/// Makes the cluster match an Architecture, as far as is possible now.
pub(super) async fn reconcile(
    architecture: Arc<LenientArchitecture>,
    shared: Arc<Context>,
) -> Result<Action, ReconcileError> {
    let key = ArchitectureKey::from_metadata(&architecture.metadata);
    shared.queue.mark_started(&key);
    // Read again: a change since the controller looked it up queues no other reconcile.
    let Some(current) = shared.caches.architectures.get(&key.object_ref()) else {
        return Ok(Action::await_change());
    };
    if let Some(action) = deferred_action(&current, &key, &shared) {
        return Ok(action);
    }
    let _active = shared.metrics.start_reconcile();
    let started = Instant::now();
    let result = match tokio::time::timeout(RECONCILE_TIMEOUT, run_steps(&current, &shared)).await {
        Ok(result) => result,
        Err(_) => {
            // Which components got a new configuration before the timeout is unknown.
            shared.invalidate_reports(&key, |_| true);
            Err(ReconcileError::DeadlineExceeded(RECONCILE_TIMEOUT.as_secs()))
        }
    };
    shared.metrics.record_reconcile(started.elapsed(), &result);
    if result.is_ok() {
        shared.states.with(&key, |state| state.clear_failures());
    }
    result
}

/// Defers the reconcile if the Architecture is being deleted or failed a moment ago, or if the
/// caches are behind.
fn deferred_action(
    architecture: &LenientArchitecture,
    key: &ArchitectureKey,
    shared: &Context,
) -> Option<Action> {
    if architecture.metadata.deletion_timestamp.is_some() {
        return Some(Action::await_change());
    }
    if !shared.caches.all_listed() {
        return Some(Action::requeue(LIST_DELAY));
    }
    let generation = architecture.metadata.generation.unwrap_or_default();
    shared.states.with(key, |state| {
        let backoff = state.remaining_backoff(Instant::now(), generation);
        let is_behind = !state.has_seen_writes();
        backoff.or(is_behind.then_some(CATCH_UP_DELAY)).map(Action::requeue)
    })
}

async fn run_steps(
    architecture: &LenientArchitecture,
    shared: &Context,
) -> Result<Action, ReconcileError> {
    let cx = ReconcileContext::new(shared, architecture)?;
    let snapshot = cx.snapshot();
    let running = running_topology(&cx.identity, &snapshot);
    let accepted = match accept_spec(architecture, &cx.identity) {
        Ok(accepted) => accepted,
        Err(acceptance) => return report_only(&cx, &running, acceptance, vec![]).await,
    };
    // What an unreadable child contains is unknown, so nothing is changed.
    let unreadable = unreadable_issues(&cx);
    if !unreadable.is_empty() {
        let acceptance = Acceptance::Accepted { note: accepted.note };
        return report_only(&cx, &running, acceptance, unreadable).await;
    }
    let now = Timestamp::now();
    let evolution = evolve(&accepted.topology, &running, now);
    let retention = evolution.apply.retention().clone();
    let mut objects = render(&evolution.apply, &shared.settings).into_objects();
    let mut outcome =
        ReconcileOutcome { blocked: !evolution.blockers.is_empty(), ..ReconcileOutcome::default() };
    let input = RolloutInput {
        topology: &evolution.apply,
        running: &running,
        snapshot: &snapshot,
        is_evolving: evolution.step.is_some(),
        now,
    };
    let mut rollout = plan_rollout(&objects, &input);
    claim_slot(&cx, &mut rollout, &input, &mut outcome);
    // Before the claims: a StatefulSet that is created again for larger volumes keeps its template.
    outcome.skipped_sets = rollout.hold_templates(&mut objects, &snapshot);
    ensure_claims(&cx, &mut objects.stateful_sets, &retention, &mut outcome).await?;
    apply_objects(&cx, &objects, &mut outcome).await?;
    prune_objects(&cx, &objects, &mut outcome).await?;
    release_claims(&cx, &objects.stateful_sets, &retention, &mut outcome).await?;
    refresh_stale_pods(&cx, &objects.config_maps, &running, &mut outcome).await?;
    let refusals = run_canaries(&cx, &rollout, &mut outcome).await?;
    let mut target = new_target(&cx, accepted, &evolution);
    target.waits.extend(rollout.wait());
    target.stops.extend(rollout.stop().into_iter().chain(refusals));
    if !target.stops.is_empty() {
        shared.rollout_slots.release(cx.key());
    }
    publish(&cx, &target, &running, outcome).await
}

/// A specification that can run.
struct AcceptedSpec {
    topology: Topology,
    shape: Shape,
    /// For the condition `Accepted`.
    note: String,
}

fn accept_spec(
    architecture: &LenientArchitecture,
    identity: &Identity,
) -> Result<AcceptedSpec, Acceptance> {
    let spec = architecture.spec.as_ref().map_err(|problem| {
        tracing::warn!(architecture = %identity.name, problem, "specification is unreadable");
        Acceptance::Unreadable { problem: problem.clone() }
    })?;
    plan_spec(spec, identity.clone())
        .map_err(|problems| Acceptance::Refused { problems: problems.to_string() })
}

fn plan_spec(
    spec: &ArchitectureSpec,
    identity: Identity,
) -> Result<AcceptedSpec, ValidationErrors> {
    let valid = spec.validate(identity.name.as_str())?;
    let note = match valid.inactive() {
        [] => "the specification can run".to_owned(),
        inactive => format!(
            "the specification can run; not in use with this shape: {}",
            inactive.join(", ")
        ),
    };
    let topology = plan(&valid, identity)?;
    Ok(AcceptedSpec { topology, shape: spec.shape, note })
}

fn new_target(cx: &ReconcileContext<'_>, accepted: AcceptedSpec, evolution: &Evolution) -> Target {
    let AcceptedSpec { shape, note, .. } = accepted;
    Target {
        acceptance: Acceptance::Accepted { note },
        shape: if evolution.serves_wanted { Some(shape) } else { previous_shape(cx) },
        components: evolution.apply.components().cloned().collect(),
        entry: Some(evolution.apply.entry().clone()),
        evolution: evolution.step.map(|step| ActiveEvolution { to: shape, step }),
        waits: evolution.waits.iter().map(ToString::to_string).collect(),
        blockers: evolution.blockers.iter().map(ToString::to_string).collect(),
        stops: vec![],
    }
}

fn previous_shape(cx: &ReconcileContext<'_>) -> Option<Shape> {
    cx.architecture.status.as_ref().and_then(|status| status.shape)
}

fn unreadable_issues(cx: &ReconcileContext<'_>) -> Vec<Issue> {
    let children = cx.shared.caches.unreadable_children(cx.key()).into_iter();
    children
        .map(|child| Issue {
            kind: IssueKind::Unreadable,
            message: format!(
                "this version of Maquette cannot read {child}. Change or delete that object; \
                 nothing is changed until then"
            ),
        })
        .collect()
}

/// Changes nothing that runs, and publishes why.
async fn report_only(
    cx: &ReconcileContext<'_>,
    running: &RunningTopology,
    acceptance: Acceptance,
    issues: Vec<Issue>,
) -> Result<Action, ReconcileError> {
    let before = cx.architecture.status.as_ref();
    // An evolution that was in progress is interrupted, not over.
    let evolution = before.and_then(|status| status.evolution.as_ref());
    let target = Target {
        acceptance,
        shape: previous_shape(cx),
        components: running.planned_components().cloned().collect(),
        entry: running.entry().cloned(),
        evolution: evolution
            .map(|evolution| ActiveEvolution { to: evolution.to, step: evolution.step }),
        waits: vec![],
        blockers: vec![],
        stops: vec![],
    };
    let volumes = before.map(|status| status.volumes.clone()).unwrap_or_default();
    let outcome = ReconcileOutcome {
        applied: ApplyOutcome { issues, volumes, ..ApplyOutcome::default() },
        ..ReconcileOutcome::default()
    };
    publish(cx, &target, running, outcome).await
}

/// Writes the status and returns the wait for the next reconcile.
async fn publish(
    cx: &ReconcileContext<'_>,
    target: &Target,
    running: &RunningTopology,
    mut outcome: ReconcileOutcome,
) -> Result<Action, ReconcileError> {
    let subject = Subject {
        identity: &cx.identity,
        generation: cx.generation(),
        previous: cx.architecture.status.as_ref(),
    };
    let now = Timestamp::now();
    let status = Assessment::new(subject, target, &outcome.applied, running, now).status();
    cx.shared.poll_schedule.set_healthy(cx.key(), is_ready(&status));
    cx.shared.metrics.evolutions.record_status(cx.key(), status.evolution.as_ref());
    write_status(cx, &status, &mut outcome).await?;
    match outcome.applied.issues.iter().max_by_key(|issue| issue.kind) {
        Some(worst) if worst.kind == IssueKind::Removal => {
            Ok(Action::requeue(outcome.requeue_after.unwrap_or(CATCH_UP_DELAY)))
        }
        Some(worst) => Err(ReconcileError::UnresolvedIssue(worst.message.clone())),
        None => Ok(Action::requeue(outcome.requeue_after.unwrap_or(RESYNC_PERIOD))),
    }
}

/// Retries a failed reconcile, with a longer wait each time.
pub(super) fn error_policy(
    architecture: Arc<LenientArchitecture>,
    error: &ReconcileError,
    shared: Arc<Context>,
) -> Action {
    let key = ArchitectureKey::from_metadata(&architecture.metadata);
    let generation = architecture.metadata.generation.unwrap_or_default();
    let (longest, jitter) = (error.max_backoff(), rand::random());
    let wait = shared
        .states
        .with(&key, |state| state.record_failure(Instant::now(), generation, longest, jitter));
    let cause = std::error::Error::source(error).map(ToString::to_string);
    tracing::warn!(
        architecture = %key, %error, cause, retry_in_seconds = wait.as_secs_f64(),
        "reconcile failed"
    );
    Action::requeue(wait)
}
