//! The reconciler: the list of its steps.

use super::{
    apply::{adopt_orphans, apply_objects, find_name_conflicts, prune_objects, refresh_stale_pods},
    context::{Context, ReconcileContext},
    error::{ApplyError, ReconcileError},
    key::ArchitectureKey,
    outcome::ReconcileOutcome,
    publish::{catch_panic, is_ready, report_panic, write_status},
    volumes::{ensure_claims, find_claim_conflicts, release_claims, set_claim_owners},
    watch::LenientArchitecture,
};
use crate::{
    api::{ArchitectureSpec, Retention, Shape, ValidationErrors, VolumeStatus},
    evolve::{Evolution, evolve},
    observe::{
        Acceptance, ActiveEvolution, Assessment, Issue, IssueKind, RunningTopology, Subject,
        Target, running_topology,
    },
    plan::{Identity, Topology, plan},
    render::{ObjectsByKind, render},
};
use k8s_openapi::jiff::Timestamp;
use kube::runtime::controller::Action;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// The steps end after this time, so that the status is always written: longer than the timeout of
/// one request.
const STEPS_TIMEOUT: Duration = Duration::from_secs(20);
/// How long the write of the status may take.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(20);
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
    let result = match catch_panic(run_steps(&current, &shared)).await {
        Ok(result) => result,
        Err(message) => Err(handle_panic(&current, &shared, &key, message).await),
    };
    shared.metrics.record_reconcile(started.elapsed(), &result);
    if result.is_ok() {
        shared.states.with(&key, |state| state.clear_failures());
    }
    result
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
    let report = report_panic(shared, architecture, &message);
    // A panic of its own is logged by the hook; there is nothing else to do about it.
    let _ = catch_panic(tokio::time::timeout(PUBLISH_TIMEOUT, report)).await;
    ReconcileError::Panicked(message)
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
    let deadline = tokio::time::Instant::now() + STEPS_TIMEOUT;
    let mut outcome = ReconcileOutcome::default();
    outcome.applied.volumes = previous_volumes(&cx);
    let owners = tokio::time::timeout_at(deadline, set_claim_owners(&cx, &mut outcome)).await;
    let running = running_topology(&cx.identity, &cx.snapshot());
    let Decision { target, change, issues } = decide(&cx, &running);
    outcome.applied.issues.extend(issues);
    let changes = async {
        if let Some(change) = change {
            make_changes(&cx, change, &running, &mut outcome).await;
        }
    };
    let changed = tokio::time::timeout_at(deadline, changes).await;
    if owners.and(changed).is_err() {
        // Which components got a new configuration before the timeout is unknown.
        shared.invalidate_reports(cx.key(), |_| true);
        outcome.record_result::<()>(Err(steps_timeout()));
    }
    publish(&cx, &target, &running, outcome).await
}

fn steps_timeout() -> ApplyError {
    let message = format!(
        "the API server did not complete all requests within {} s; the next attempt continues",
        STEPS_TIMEOUT.as_secs()
    );
    ApplyError::from_issue(IssueKind::Unavailable, message)
}

/// What a reconcile aims at.
struct Decision {
    target: Target,
    /// None if what runs is left as it is.
    change: Option<Change>,
    /// Why nothing is changed, if that is not for the specification.
    issues: Vec<Issue>,
}

/// The objects to apply.
struct Change {
    objects: ObjectsByKind,
    /// The objects at the end of the evolution: their names are needed too.
    wanted: Option<ObjectsByKind>,
    retention: Retention,
    /// The specification cannot be reached from what runs.
    is_blocked: bool,
}

fn decide(cx: &ReconcileContext<'_>, running: &RunningTopology) -> Decision {
    let accepted = match accept_spec(cx.architecture, &cx.identity) {
        Ok(accepted) => accepted,
        Err(acceptance) => return keep_running(cx, running, acceptance, vec![]),
    };
    // What an unreadable child contains is unknown, so nothing is changed.
    let unreadable = unreadable_issues(cx);
    if !unreadable.is_empty() {
        let acceptance = Acceptance::Accepted { note: accepted.note };
        return keep_running(cx, running, acceptance, unreadable);
    }
    let evolution = evolve(&accepted.topology, running, Timestamp::now());
    let settings = &cx.shared.settings;
    let is_interim = evolution.blockers.is_empty() && evolution.apply != accepted.topology;
    let change = Change {
        objects: render(&evolution.apply, settings).into_objects(),
        wanted: is_interim.then(|| render(&accepted.topology, settings).into_objects()),
        retention: evolution.apply.retention().clone(),
        is_blocked: !evolution.blockers.is_empty(),
    };
    Decision { target: new_target(cx, accepted, &evolution), change: Some(change), issues: vec![] }
}

/// Makes the objects of `change`. Ends early when the rest must wait for what failed.
async fn make_changes(
    cx: &ReconcileContext<'_>,
    change: Change,
    running: &RunningTopology,
    outcome: &mut ReconcileOutcome,
) {
    let Change { mut objects, wanted, retention, is_blocked } = change;
    outcome.blocked = is_blocked;
    let conflicts = find_conflicts(cx, wanted.iter().chain([&objects])).await;
    outcome.applied.issues.extend(conflicts);
    if outcome.can_continue() {
        adopt_orphans(cx, outcome).await;
    }
    if outcome.can_continue() {
        ensure_claims(cx, &mut objects.stateful_sets, &retention, outcome).await;
    }
    if outcome.can_continue() {
        apply_objects(cx, &objects, outcome).await;
    }
    if outcome.can_continue() {
        prune_objects(cx, &objects, outcome).await;
    }
    if outcome.can_continue() {
        release_claims(cx, &objects.stateful_sets, &retention, outcome).await;
    }
    if outcome.can_continue() {
        refresh_stale_pods(cx, &objects.config_maps, running, outcome).await;
    }
}

/// The names among those of `objects` that belong to something else, each once.
async fn find_conflicts<'a>(
    cx: &ReconcileContext<'_>,
    objects: impl Iterator<Item = &'a ObjectsByKind>,
) -> Vec<Issue> {
    let mut conflicts: Vec<Issue> = vec![];
    for objects in objects {
        conflicts.extend(find_name_conflicts(cx, objects).await);
        conflicts.extend(find_claim_conflicts(cx, &objects.stateful_sets).await);
    }
    conflicts.sort_by(|a, b| a.message.cmp(&b.message));
    conflicts.dedup();
    conflicts
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

fn previous_volumes(cx: &ReconcileContext<'_>) -> Vec<VolumeStatus> {
    let before = cx.architecture.status.as_ref();
    before.map(|status| status.volumes.clone()).unwrap_or_default()
}

/// Changes nothing that runs.
fn keep_running(
    cx: &ReconcileContext<'_>,
    running: &RunningTopology,
    acceptance: Acceptance,
    issues: Vec<Issue>,
) -> Decision {
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
    };
    Decision { target, change: None, issues }
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
    match tokio::time::timeout(PUBLISH_TIMEOUT, write_status(cx, &status, &mut outcome)).await {
        Ok(written) => written?,
        Err(_) => return Err(ReconcileError::StatusTimeout(PUBLISH_TIMEOUT.as_secs())),
    }
    match outcome.applied.issues.iter().max_by_key(|issue| issue.kind) {
        Some(worst) if worst.kind == IssueKind::Removal => {
            Ok(Action::requeue(outcome.requeue_after.unwrap_or(CATCH_UP_DELAY)))
        }
        Some(worst) => Err(ReconcileError::UnresolvedIssue(worst.clone())),
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
    tracing::warn!(
        architecture = %key, %error, retry_in_seconds = wait.as_secs_f64(),
        "reconcile failed"
    );
    Action::requeue(wait)
}
