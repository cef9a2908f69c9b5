//! The reconciler: the list of its steps.

use super::{
    apply,
    context::Context,
    error::Error,
    found::Found,
    key::ArchitectureKey,
    nudge, prune, status, volumes,
    work::{Outcome, Work},
};
use crate::{
    api::{ArchitectureSpec, ValidationErrors, Shape},
    evolve::{Evolution, evolve},
    observe::{self, Acceptance, Evolving, Facts, Issue, IssueKind, Running},
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
const DEADLINE: Duration = Duration::from_secs(30);
/// How soon to look again whether the caches have seen our writes; their events come first.
const CATCH_UP: Duration = Duration::from_secs(2);
/// How often everything is computed anew although nothing happened. It asks nobody.
const AT_LEAST: Duration = Duration::from_secs(300);

/// Makes an Architecture true, as far as is possible now.
pub(super) async fn reconcile(architecture: Arc<Found>, cx: Arc<Context>) -> Result<Action, Error> {
    let key = ArchitectureKey::of(&architecture.metadata);
    cx.queue.started(&key);
    // As it is now: what changed since the queue looked it up asks for no other reconcile.
    let Some(architecture) = cx.caches.architectures.get(&key.object_ref()) else {
        return Ok(Action::await_change());
    };
    if let Some(action) = not_now(&architecture, &key, &cx) {
        return Ok(action);
    }
    let _working = cx.metrics.working();
    let started = Instant::now();
    let result = tokio::time::timeout(DEADLINE, steps(&architecture, &cx)).await;
    let result = result.unwrap_or_else(|_| {
        // Nobody knows who was told something before time ran out.
        cx.void_reports(&key, |_| true);
        Err(Error::TooSlow(DEADLINE.as_secs()))
    });
    cx.metrics.reconciled(started.elapsed(), &result);
    if result.is_ok() {
        cx.memories.with(&key, |memory| memory.succeeded());
    }
    result
}

/// Reasons to do nothing: it is being deleted, it failed a moment ago, or the caches are behind.
fn not_now(architecture: &Found, key: &ArchitectureKey, cx: &Context) -> Option<Action> {
    if architecture.metadata.deletion_timestamp.is_some() {
        return Some(Action::await_change());
    }
    if !cx.caches.listed() {
        return Some(Action::requeue(Duration::from_millis(100)));
    }
    let generation = architecture.metadata.generation.unwrap_or_default();
    cx.memories.with(key, |memory| {
        let wait = memory.wait(Instant::now(), generation);
        let behind = !memory.caught_up();
        wait.or(behind.then_some(CATCH_UP)).map(Action::requeue)
    })
}

/// The steps.
async fn steps(architecture: &Found, cx: &Context) -> Result<Action, Error> {
    let work = Work::new(cx, architecture)?;
    let running = observe::running(&work.identity, &work.snapshot());
    let wanted = match accepted(architecture, &work.identity) {
        Ok(wanted) => wanted,
        Err(acceptance) => return leave(&work, &running, acceptance, vec![]).await,
    };
    let unreadable = unreadable(&work);
    if !unreadable.is_empty() {
        let acceptance = Acceptance::Accepted { note: wanted.note };
        return leave(&work, &running, acceptance, unreadable).await;
    }
    let evolution = evolve(&wanted.topology, &running, Timestamp::now());
    let retention = evolution.apply.retention().clone();
    let mut objects = render(&evolution.apply, &cx.settings).into_objects();
    let mut outcome = Outcome { stays: !evolution.cannot.is_empty(), ..Outcome::default() };
    volumes::ensure(&work, &mut objects.stateful_sets, &retention, &mut outcome).await?;
    apply::all(&work, &objects, &mut outcome).await?;
    prune::all(&work, &objects, &mut outcome).await?;
    volumes::release(&work, &objects.stateful_sets, &retention, &mut outcome).await?;
    nudge::all(&work, &objects.config_maps, &running, &mut outcome).await?;
    let facts = facts(&work, &wanted, &evolution, &outcome);
    finish(&work, facts, &running, outcome).await
}

/// What a specification asks for.
struct Wanted {
    topology: Topology,
    shape: Shape,
    note: String,
}

fn accepted(architecture: &Found, identity: &Identity) -> Result<Wanted, Acceptance> {
    let spec = architecture.spec.as_ref().map_err(|problem| {
        tracing::warn!(architecture = %identity.name, problem, "cannot be read");
        Acceptance::Unreadable { problem: problem.clone() }
    })?;
    wanted(spec, identity.clone())
        .map_err(|problems| Acceptance::Refused { problems: problems.to_string() })
}

fn wanted(spec: &ArchitectureSpec, identity: Identity) -> Result<Wanted, ValidationErrors> {
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
    Ok(Wanted { topology, shape, note })
}

fn facts<'a>(
    work: &'a Work<'_>,
    wanted: &Wanted,
    evolution: &Evolution,
    outcome: &Outcome,
) -> Facts<'a> {
    let waits = evolution.waits.iter().map(ToString::to_string);
    Facts {
        acceptance: Acceptance::Accepted { note: wanted.note.clone() },
        shape: if evolution.serves_wanted { Some(wanted.shape) } else { shape_before(work) },
        components: evolution.apply.components().cloned().collect(),
        entry: Some(evolution.apply.entry().clone()),
        changing: outcome.changing.clone(),
        evolution: evolution.step.map(|step| Evolving { to: wanted.shape, step }),
        waits: waits.chain(outcome.waits.iter().cloned()).collect(),
        cannot: evolution.cannot.iter().map(ToString::to_string).collect(),
        issues: outcome.issues.clone(),
        volumes: outcome.volumes.clone(),
        volume_notes: outcome.volume_notes.clone(),
        ..unknown(work)
    }
}

fn shape_before(work: &Work<'_>) -> Option<Shape> {
    work.architecture.status.as_ref().and_then(|status| status.shape)
}

/// The facts of an Architecture of which only the name is known.
fn unknown<'a>(work: &'a Work<'_>) -> Facts<'a> {
    let note = String::new();
    Facts {
        generation: work.generation(),
        identity: &work.identity,
        acceptance: Acceptance::Accepted { note },
        shape: shape_before(work),
        components: vec![],
        entry: None,
        changing: [].into(),
        evolution: None,
        waits: vec![],
        cannot: vec![],
        issues: vec![],
        volumes: vec![],
        volume_notes: vec![],
    }
}

/// The parts that are there and cannot be read: what they are nobody knows, so nothing is changed.
fn unreadable(work: &Work<'_>) -> Vec<Issue> {
    let trouble = |part: String| Issue {
        kind: IssueKind::Unreadable,
        message: format!(
            "this version of Maquette cannot read {part}. Change or delete that object; nothing is \
             changed until then"
        ),
    };
    work.cx.caches.unreadable(work.key()).into_iter().map(trouble).collect()
}

/// Leaves what runs as it is, and says why.
async fn leave(
    work: &Work<'_>,
    running: &Running,
    acceptance: Acceptance,
    troubles: Vec<Issue>,
) -> Result<Action, Error> {
    let components: Vec<Component> =
        running.components().filter_map(|(_, found)| found.planned.clone()).collect();
    let before = work.architecture.status.as_ref();
    let volumes = before.map(|status| status.volumes.clone());
    // A change that was under way stands still.
    let evolution = before.and_then(|status| status.evolution.as_ref());
    let facts = Facts {
        acceptance,
        evolution: evolution.map(|evolution| Evolving { to: evolution.to, step: evolution.step }),
        components,
        entry: running.entry().cloned(),
        issues: troubles.clone(),
        volumes: volumes.unwrap_or_default(),
        ..unknown(work)
    };
    finish(work, facts, running, Outcome { issues: troubles, ..Outcome::default() }).await
}

/// Writes the status, and says when to look again.
async fn finish(
    work: &Work<'_>,
    facts: Facts<'_>,
    running: &Running,
    mut outcome: Outcome,
) -> Result<Action, Error> {
    let before = work.architecture.status.as_ref();
    let status = observe::status(&facts, running, before, Timestamp::now());
    work.cx.polls.set(work.key(), status::is_ready(&status));
    work.cx.metrics.evolutions.set(work.key(), status.evolution.as_ref());
    status::write(work, &status, &mut outcome).await?;
    let said = |trouble: &observe::Issue| trouble.message.clone();
    match outcome.issues.iter().max_by_key(|trouble| trouble.kind) {
        Some(worst) if worst.kind == IssueKind::Removal => {
            Ok(Action::requeue(outcome.again.unwrap_or(CATCH_UP)))
        }
        Some(worst) => Err(Error::Refused(said(worst))),
        None => Ok(Action::requeue(outcome.again.unwrap_or(AT_LEAST))),
    }
}

/// What to do after a failure: try again, later each time.
pub(super) fn after_failure(architecture: Arc<Found>, error: &Error, cx: Arc<Context>) -> Action {
    let key = ArchitectureKey::of(&architecture.metadata);
    let generation = architecture.metadata.generation.unwrap_or_default();
    let now = Instant::now();
    let (longest, jitter) = (error.longest_wait(), rand::random());
    let wait = cx.memories.with(&key, |memory| memory.failed(now, generation, longest, jitter));
    let cause = std::error::Error::source(error).map(ToString::to_string);
    tracing::warn!(
        architecture = %key, %error, cause, again_in_seconds = wait.as_secs_f64(),
        "not done"
    );
    Action::requeue(wait)
}
