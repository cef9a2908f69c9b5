//! What a reconcile aims at, computed from the specification and the caches.

use super::super::{
    apply::{Autoscaling, claim_slot, follow_autoscalers},
    context::ReconcileContext,
    error::ApplyError,
    watch::LenientArchitecture,
};
use crate::{
    api::{ArchitectureSpec, Retention, Shape, ValidationErrors},
    evolve::{Evolution, evolve},
    observe::{
        Acceptance, ActiveEvolution, Issue, IssueKind, RunningTopology, Snapshot, Target,
        VolumeNote, kept_volume_sizes, refused_volume_changes,
    },
    plan::{Identity, Topology, notes, plan},
    render::{ObjectsByKind, render},
    rollout::{RolloutInput, RolloutPlan, plan_rollout},
};
use std::{collections::BTreeSet, time::Duration};
use tokio::time::{Instant, timeout_at};

/// What a reconcile aims at.
pub(super) struct Decision {
    pub(super) target: Target,
    /// None if what runs is left as it is.
    pub(super) change: Option<PendingChange>,
    /// Why nothing is changed, if that is not for the specification.
    pub(super) issues: Vec<Issue>,
    /// Volumes that stay larger than specified.
    pub(super) volume_notes: Vec<VolumeNote>,
    /// When to look again at what is not watched.
    pub(super) next_look: Option<Duration>,
    /// A kind of objects cannot be watched, so what runs is unknown.
    pub(super) is_unwatched: bool,
}

/// The objects to apply.
pub(super) struct PendingChange {
    pub(super) objects: ObjectsByKind,
    /// The objects at the end of the evolution: their names are needed too.
    pub(super) wanted: Option<ObjectsByKind>,
    pub(super) retention: Retention,
    /// The specification cannot be reached from what runs.
    pub(super) is_blocked: bool,
    /// The canary pods, and the pods to delete.
    pub(super) rollout: RolloutPlan,
    /// StatefulSets that must not be created yet.
    pub(super) withheld_sets: BTreeSet<String>,
}

/// Decides what to change. Sends no request but those for autoscalers.
pub(super) async fn decide(
    cx: &ReconcileContext<'_>,
    snapshot: &Snapshot,
    running: &RunningTopology,
    deadline: Instant,
) -> Decision {
    // Nothing is changed without knowing all that runs.
    let unwatched = cx.shared.caches.watch_problems();
    if !unwatched.is_empty() {
        let acceptance = match accept_spec(cx.architecture, &cx.identity) {
            Ok(accepted) => Acceptance::Accepted { note: accepted.note },
            Err(acceptance) => acceptance,
        };
        let decision = keep_running(cx, running, acceptance, unwatched);
        return Decision { is_unwatched: true, ..decision };
    }
    let accepted = accept_spec(cx.architecture, &cx.identity)
        .and_then(|accepted| accept_volumes(cx.architecture, accepted, running));
    let mut accepted = match accepted {
        Ok(accepted) => accepted,
        Err(acceptance) => return keep_running(cx, running, acceptance, vec![]),
    };
    // What an unreadable child contains is unknown, so nothing is changed.
    let unreadable = unreadable_issues(cx, running);
    if !unreadable.is_empty() {
        let acceptance = Acceptance::Accepted { note: accepted.note };
        return keep_running(cx, running, acceptance, unreadable);
    }
    let autoscaling = follow_autoscalers(cx, &mut accepted.topology, running);
    let Ok(autoscaling) = timeout_at(deadline, autoscaling).await else {
        let acceptance = Acceptance::Accepted { note: accepted.note };
        return keep_running(cx, running, acceptance, vec![]);
    };
    plan_change(cx, snapshot, running, accepted, autoscaling)
}

/// The objects of the next step towards `accepted`, and what it waits for.
fn plan_change(
    cx: &ReconcileContext<'_>,
    snapshot: &Snapshot,
    running: &RunningTopology,
    mut accepted: AcceptedSpec,
    autoscaling: Autoscaling,
) -> Decision {
    accepted.note.extend(autoscaling.note());
    let now = cx.now();
    let volume_notes = kept_volume_sizes(&accepted.topology, running);
    let evolution = evolve(&accepted.topology, running, now);
    let settings = &cx.shared.settings;
    let mut objects = render(&evolution.apply, settings).into_objects();
    let is_evolving = evolution.step.is_some();
    let input = RolloutInput { topology: &evolution.apply, running, snapshot, is_evolving, now };
    let mut rollout = plan_rollout(&objects, &input);
    let slot_wait = claim_slot(cx, &mut rollout, &input);
    let withheld_sets = rollout.hold_templates(&mut objects, snapshot);
    let is_interim = evolution.blockers.is_empty() && evolution.apply != accepted.topology;
    let wanted = is_interim.then(|| render(&accepted.topology, settings).into_objects());
    let mut target = new_target(cx, accepted, &evolution);
    match rollout.only_waits_for_slot() {
        true => target.slot_wait = rollout.wait(),
        false => target.waits.extend(rollout.wait()),
    }
    target.stops.extend(rollout.stop());
    let change = PendingChange {
        objects,
        wanted,
        retention: evolution.apply.retention().clone(),
        is_blocked: !evolution.blockers.is_empty(),
        rollout,
        withheld_sets,
    };
    Decision {
        target,
        change: Some(change),
        issues: autoscaling.issues,
        volume_notes,
        next_look: autoscaling.next_look.into_iter().chain(slot_wait).min(),
        is_unwatched: false,
    }
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

/// Refuses another StorageClass of a volume that exists. What is not bound yet may change.
fn accept_volumes(
    architecture: &LenientArchitecture,
    accepted: AcceptedSpec,
    running: &RunningTopology,
) -> Result<AcceptedSpec, Acceptance> {
    let serving = architecture.status.as_ref().and_then(|status| status.shape);
    if serving != Some(accepted.shape) {
        return Ok(accepted);
    }
    match refused_volume_changes(&accepted.topology, running).as_slice() {
        [] => Ok(accepted),
        problems => Err(Acceptance::Refused { problems: problems.join("; ") }),
    }
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
    let note = [note].into_iter().chain(notes(&topology)).collect::<Vec<_>>().join("; ");
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
        slot_wait: None,
        blockers: evolution.blockers.iter().map(ToString::to_string).collect(),
        stops: vec![],
    }
}

fn previous_shape(cx: &ReconcileContext<'_>) -> Option<Shape> {
    cx.architecture.status.as_ref().and_then(|status| status.shape)
}

fn unreadable_issues(cx: &ReconcileContext<'_>, running: &RunningTopology) -> Vec<Issue> {
    let children = cx.shared.caches.unreadable_children(cx.key()).into_iter();
    let objects = children.map(|child| {
        let message = format!(
            "this version of Maquette cannot read {child}. Change or delete that object; nothing \
             is changed until then"
        );
        Issue { kind: IssueKind::Unreadable, message }
    });
    let settings = running.unreadable_settings().iter();
    objects.chain(settings.map(|problem| ApplyError::unreadable_settings(problem).0)).collect()
}

/// Changes nothing that runs, and needs no slot of a rollout.
fn keep_running(
    cx: &ReconcileContext<'_>,
    running: &RunningTopology,
    acceptance: Acceptance,
    issues: Vec<Issue>,
) -> Decision {
    cx.shared.rollout_slots.release(cx.key());
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
        slot_wait: None,
        blockers: vec![],
        stops: vec![],
    };
    Decision {
        target,
        change: None,
        issues,
        volume_notes: vec![],
        next_look: None,
        is_unwatched: false,
    }
}
