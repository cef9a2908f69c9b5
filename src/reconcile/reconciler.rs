//! The reconciler: the list of its steps.

use super::{
    apply,
    context::Context,
    error::ReconcileError,
    key::ArchitectureKey,
    kubelet_refresh,
    lenient::LenientArchitecture,
    prune,
    reconcile_context::{ReconcileContext, ReconcileOutcome},
    status, volumes,
};
use crate::{
    api::{ArchitectureSpec, Shape, ValidationErrors},
    evolve::{Evolution, evolve},
    observe::{
        self, Acceptance, ActiveEvolution, Assessment, Issue, IssueKind, RunningTopology, Subject,
        Target,
    },
    plan::{Component, Identity, Topology, plan},
    render::render,
};
use k8s_openapi::jiff::Timestamp;
use kube::runtime::controller::Action;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// No reconcile takes longer.
const RECONCILE_TIMEOUT: Duration = Duration::from_secs(30);
/// How soon to look again whether the caches have seen our writes; their events come first.
const CATCH_UP_DELAY: Duration = Duration::from_secs(2);
/// How often everything is computed anew although nothing happened. It asks nobody.
const RESYNC_PERIOD: Duration = Duration::from_secs(300);

/// Makes an Architecture true, as far as is possible now.
pub(super) async fn reconcile(
    architecture: Arc<LenientArchitecture>,
    cx: Arc<Context>,
) -> Result<Action, ReconcileError> {
    let key = ArchitectureKey::from_metadata(&architecture.metadata);
    cx.queue.mark_started(&key);
    // As it is now: what changed since the queue looked it up asks for no other reconcile.
    let Some(architecture) = cx.caches.architectures.get(&key.object_ref()) else {
        return Ok(Action::await_change());
    };
    if let Some(action) = deferred_action(&architecture, &key, &cx) {
        return Ok(action);
    }
    let _working = cx.metrics.start_reconcile();
    let started = Instant::now();
    let result = tokio::time::timeout(RECONCILE_TIMEOUT, run_steps(&architecture, &cx)).await;
    let result = result.unwrap_or_else(|_| {
        // Nobody knows who was told something before time ran out.
        cx.invalidate_reports(&key, |_| true);
        Err(ReconcileError::DeadlineExceeded(RECONCILE_TIMEOUT.as_secs()))
    });
    cx.metrics.record_reconcile(started.elapsed(), &result);
    if result.is_ok() {
        cx.states.with(&key, |memory| memory.clear_failures());
    }
    result
}

/// Reasons to do nothing: it is being deleted, it failed a moment ago, or the caches are behind.
fn deferred_action(
    architecture: &LenientArchitecture,
    key: &ArchitectureKey,
    cx: &Context,
) -> Option<Action> {
    if architecture.metadata.deletion_timestamp.is_some() {
        return Some(Action::await_change());
    }
    if !cx.caches.all_listed() {
        return Some(Action::requeue(Duration::from_millis(100)));
    }
    let generation = architecture.metadata.generation.unwrap_or_default();
    cx.states.with(key, |memory| {
        let wait = memory.remaining_backoff(Instant::now(), generation);
        let behind = !memory.has_seen_writes();
        wait.or(behind.then_some(CATCH_UP_DELAY)).map(Action::requeue)
    })
}

/// The steps.
async fn run_steps(
    architecture: &LenientArchitecture,
    cx: &Context,
) -> Result<Action, ReconcileError> {
    let work = ReconcileContext::new(cx, architecture)?;
    let running = observe::running_topology(&work.identity, &work.snapshot());
    let wanted = match accept_spec(architecture, &work.identity) {
        Ok(wanted) => wanted,
        Err(acceptance) => return report_only(&work, &running, acceptance, vec![]).await,
    };
    let unreadable = unreadable_issues(&work);
    if !unreadable.is_empty() {
        let acceptance = Acceptance::Accepted { note: wanted.note };
        return report_only(&work, &running, acceptance, unreadable).await;
    }
    let evolution = evolve(&wanted.topology, &running, Timestamp::now());
    let retention = evolution.apply.retention().clone();
    let mut objects = render(&evolution.apply, &cx.settings).into_objects();
    let mut outcome = ReconcileOutcome {
        unreachable: !evolution.blockers.is_empty(),
        ..ReconcileOutcome::default()
    };
    volumes::ensure_claims(&work, &mut objects.stateful_sets, &retention, &mut outcome).await?;
    apply::apply_objects(&work, &objects, &mut outcome).await?;
    prune::prune_objects(&work, &objects, &mut outcome).await?;
    volumes::release_claims(&work, &objects.stateful_sets, &retention, &mut outcome).await?;
    kubelet_refresh::refresh_stale_pods(&work, &objects.config_maps, &running, &mut outcome)
        .await?;
    let target = target_of(&work, &wanted, &evolution);
    publish(&work, &target, &running, outcome).await
}

/// What a specification asks for.
struct AcceptedSpec {
    topology: Topology,
    shape: Shape,
    note: String,
}

fn accept_spec(
    architecture: &LenientArchitecture,
    identity: &Identity,
) -> Result<AcceptedSpec, Acceptance> {
    let spec = architecture.spec.as_ref().map_err(|problem| {
        tracing::warn!(architecture = %identity.name, problem, "cannot be read");
        Acceptance::Unreadable { problem: problem.clone() }
    })?;
    plan_spec(spec, identity.clone())
        .map_err(|problems| Acceptance::Refused { problems: problems.to_string() })
}

fn plan_spec(
    spec: &ArchitectureSpec,
    identity: Identity,
) -> Result<AcceptedSpec, ValidationErrors> {
    let shape = spec.shape;
    let spec = spec.validate(identity.name.as_str())?;
    let note = match spec.inactive() {
        [] => "the specification can run".to_owned(),
        inactive => format!(
            "the specification can run; not in use with this shape: {}",
            inactive.join(", ")
        ),
    };
    let topology = plan(&spec, identity)?;
    Ok(AcceptedSpec { topology, shape, note })
}

fn target_of(work: &ReconcileContext<'_>, wanted: &AcceptedSpec, evolution: &Evolution) -> Target {
    Target {
        acceptance: Acceptance::Accepted { note: wanted.note.clone() },
        shape: if evolution.serves_wanted { Some(wanted.shape) } else { previous_shape(work) },
        components: evolution.apply.components().cloned().collect(),
        entry: Some(evolution.apply.entry().clone()),
        evolution: evolution.step.map(|step| ActiveEvolution { to: wanted.shape, step }),
        waits: evolution.waits.iter().map(ToString::to_string).collect(),
        blockers: evolution.blockers.iter().map(ToString::to_string).collect(),
    }
}

fn previous_shape(work: &ReconcileContext<'_>) -> Option<Shape> {
    work.architecture.status.as_ref().and_then(|status| status.shape)
}

/// The parts that are there and cannot be read: what they are nobody knows, so nothing is changed.
fn unreadable_issues(work: &ReconcileContext<'_>) -> Vec<Issue> {
    let trouble = |part: String| Issue {
        kind: IssueKind::Unreadable,
        message: format!(
            "this version of Maquette cannot read {part}. Change or delete that object; nothing is \
             changed until then"
        ),
    };
    work.shared.caches.unreadable_children(work.key()).into_iter().map(trouble).collect()
}

/// Leaves what runs as it is, and says why.
async fn report_only(
    work: &ReconcileContext<'_>,
    running: &RunningTopology,
    acceptance: Acceptance,
    troubles: Vec<Issue>,
) -> Result<Action, ReconcileError> {
    let components: Vec<Component> =
        running.components().filter_map(|(_, found)| found.planned.clone()).collect();
    let before = work.architecture.status.as_ref();
    let volumes = before.map(|status| status.volumes.clone());
    // A change that was under way stands still.
    let evolution = before.and_then(|status| status.evolution.as_ref());
    let target = Target {
        acceptance,
        shape: previous_shape(work),
        components,
        entry: running.entry().cloned(),
        evolution: evolution
            .map(|evolution| ActiveEvolution { to: evolution.to, step: evolution.step }),
        waits: vec![],
        blockers: vec![],
    };
    let outcome = ReconcileOutcome {
        issues: troubles,
        volumes: volumes.unwrap_or_default(),
        ..ReconcileOutcome::default()
    };
    publish(work, &target, running, outcome).await
}

/// Writes the status, and says when to look again.
async fn publish(
    work: &ReconcileContext<'_>,
    target: &Target,
    running: &RunningTopology,
    mut outcome: ReconcileOutcome,
) -> Result<Action, ReconcileError> {
    let before = work.architecture.status.as_ref();
    let subject =
        Subject { identity: &work.identity, generation: work.generation(), previous: before };
    let applied = outcome.applied();
    let status = Assessment::new(subject, target, &applied, running, Timestamp::now()).status();
    work.shared.poll_schedule.set_healthy(work.key(), status::is_ready(&status));
    work.shared.metrics.evolutions.record_status(work.key(), status.evolution.as_ref());
    status::write_status(work, &status, &mut outcome).await?;
    let said = |trouble: &observe::Issue| trouble.message.clone();
    match outcome.issues.iter().max_by_key(|trouble| trouble.kind) {
        Some(worst) if worst.kind == IssueKind::Removal => {
            Ok(Action::requeue(outcome.requeue_after.unwrap_or(CATCH_UP_DELAY)))
        }
        Some(worst) => Err(ReconcileError::Refused(said(worst))),
        None => Ok(Action::requeue(outcome.requeue_after.unwrap_or(RESYNC_PERIOD))),
    }
}

/// What to do after a failure: try again, later each time.
pub(super) fn error_policy(
    architecture: Arc<LenientArchitecture>,
    error: &ReconcileError,
    cx: Arc<Context>,
) -> Action {
    let key = ArchitectureKey::from_metadata(&architecture.metadata);
    let generation = architecture.metadata.generation.unwrap_or_default();
    let now = Instant::now();
    let (longest, jitter) = (error.max_backoff(), rand::random());
    let wait =
        cx.states.with(&key, |memory| memory.record_failure(now, generation, longest, jitter));
    let cause = std::error::Error::source(error).map(ToString::to_string);
    tracing::warn!(
        architecture = %key, %error, cause, again_in_seconds = wait.as_secs_f64(),
        "not done"
    );
    Action::requeue(wait)
}
