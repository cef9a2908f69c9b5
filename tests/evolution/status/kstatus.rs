//! What kstatus says of each status.

use super::{ARCHITECTURE, Inputs, issue, make_not_ready, status_of};
use crate::{
    cluster::{healthy_snapshot, now, observe_running, parse_spec, plan_spec},
    progress::break_image,
};
use maquette::{
    api::{ArchitectureStatus, EvolutionStep, Shape},
    observe::{Acceptance, ActiveEvolution, IssueKind, Snapshot, VolumeNote},
};
use serde_json::json;

#[path = "../../shared/kstatus.rs"]
mod rules;

use rules::ResourceStatus;

fn compute(status: &ArchitectureStatus) -> ResourceStatus {
    let abnormal = status
        .conditions
        .iter()
        .filter(|condition| matches!(condition.type_.as_str(), "Reconciling" | "Stalled"));
    let abnormal: Vec<_> = abnormal.map(|condition| condition.status.as_str()).collect();
    assert!(matches!(abnormal.as_slice(), [] | ["True"]), "at most one, and true: {abnormal:?}");
    rules::compute(&json!({"metadata": {"generation": 7}, "status": status}))
}

fn of(
    change: impl FnOnce(&mut Snapshot),
    change_inputs: impl FnOnce(&mut Inputs),
) -> ResourceStatus {
    compute(&status_of(ARCHITECTURE, change, change_inputs))
}

#[test]
fn what_works_is_current() {
    assert_eq!(of(|_| {}, |_| {}), ResourceStatus::Current);
    // A volume that cannot grow is used as it is.
    let note = VolumeNote::Unchanged("data stays".to_owned());
    assert_eq!(
        of(|_| {}, |inputs| inputs.outcome.volume_notes.push(note)),
        ResourceStatus::Current
    );
}

#[test]
fn what_the_operator_works_on_is_in_progress() {
    let topology = plan_spec(&parse_spec(ARCHITECTURE));
    let nothing_runs = observe_running(&Snapshot::default());
    let converging = Inputs::of(&topology).status(&nothing_runs, None, now());
    assert_eq!(compute(&converging), ResourceStatus::InProgress);
    let evolving = |inputs: &mut Inputs| {
        let step = EvolutionStep::Expand;
        inputs.target.evolution = Some(ActiveEvolution { to: Shape::NTier, step });
        inputs.target.waits.push("waiting for orders".to_owned());
    };
    assert_eq!(of(|_| {}, evolving), ResourceStatus::InProgress);
    let removal = |inputs: &mut Inputs| {
        inputs.outcome.issues.push(issue(IssueKind::Removal, "waiting for Service shop"));
    };
    assert_eq!(of(|_| {}, removal), ResourceStatus::InProgress);
    let starting = |snapshot: &mut Snapshot| make_not_ready(snapshot, "shop-data-0");
    assert_eq!(of(starting, |_| {}), ResourceStatus::InProgress);
    // Another generation than the status is about.
    let status = status_of(ARCHITECTURE, |_| {}, |_| {});
    let newer = json!({"metadata": {"generation": 8}, "status": status});
    assert_eq!(rules::compute(&newer), ResourceStatus::InProgress);
}

#[test]
fn what_a_user_must_fix_has_failed() {
    let refused = Acceptance::Refused { problems: "spec.x: bad".to_owned() };
    assert_eq!(of(|_| {}, |inputs| inputs.target.acceptance = refused), ResourceStatus::Failed);
    let unreadable = Acceptance::Unreadable { problem: "spec.x: bad".to_owned() };
    assert_eq!(of(|_| {}, |inputs| inputs.target.acceptance = unreadable), ResourceStatus::Failed);
    let blocker = "orders would lose its items".to_owned();
    assert_eq!(of(|_| {}, |inputs| inputs.target.blockers.push(blocker)), ResourceStatus::Failed);
    for kind in [IssueKind::Conflict, IssueKind::Failed, IssueKind::Unreadable] {
        let stuck = |inputs: &mut Inputs| inputs.outcome.issues.push(issue(kind, "Service shop"));
        assert_eq!(of(|_| {}, stuck), ResourceStatus::Failed, "{kind:?}");
    }
    assert_eq!(of(break_image, |_| {}), ResourceStatus::Failed);
    assert_eq!(of(|_| {}, |_| {}), ResourceStatus::Current, "and it is over once it is fixed");
}

#[test]
fn what_broke_is_in_progress_until_it_works() {
    let without_workload = |snapshot: &mut Snapshot| snapshot.deployments.clear();
    assert_eq!(of(without_workload, |_| {}), ResourceStatus::InProgress);
    let topology = plan_spec(&parse_spec(ARCHITECTURE));
    let healthy = observe_running(&healthy_snapshot(&topology));
    let ready = Inputs::of(&topology).status(&healthy, None, now());
    assert_eq!(compute(&ready), ResourceStatus::Current);
}
