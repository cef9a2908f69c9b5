//! The status of a running model.

mod causes;
mod change;
mod components;
mod edges;
mod first_poll;
mod kstatus;
mod storage;
mod users;

use crate::cluster::{healthy_snapshot, identity, now, observe_running, parse_spec, plan_spec};
use k8s_openapi::{
    api::core::v1::Pod,
    apimachinery::pkg::apis::meta::v1::Condition,
    jiff::{SignedDuration, Timestamp},
};
use maquette::{
    api::{ArchitectureStatus, EdgeState, Shape},
    observe::{
        Acceptance, ApplyOutcome, Assessment, Issue, IssueKind, RunningTopology, Snapshot, Subject,
        Target,
    },
    plan::{Identity, Topology},
};
use std::sync::Arc;

const ARCHITECTURE: &str = "shape: ThreeTier\nthreeTier: {business: {replicas: 2}}";

/// The inputs of an assessment, for a test to change.
pub(crate) struct Inputs {
    identity: Identity,
    pub(crate) target: Target,
    pub(crate) outcome: ApplyOutcome,
}

impl Inputs {
    /// The inputs when the whole topology should run.
    pub(crate) fn of(topology: &Topology) -> Self {
        let target = Target {
            acceptance: Acceptance::Accepted { note: "fine".to_owned() },
            shape: Some(Shape::ThreeTier),
            components: topology.components().cloned().collect(),
            entry: Some(topology.entry().clone()),
            evolution: None,
            waits: vec![],
            slot_wait: None,
            blockers: vec![],
            stops: vec![],
        };
        let identity = topology.identity().clone();
        Self { identity, target, outcome: ApplyOutcome::default() }
    }

    /// The status when `running` runs.
    pub(crate) fn status(
        &self,
        running: &RunningTopology,
        previous: Option<&ArchitectureStatus>,
        at: Timestamp,
    ) -> ArchitectureStatus {
        let subject = Subject { identity: &self.identity, generation: 7, operator: None, previous };
        Assessment::new(subject, &self.target, &self.outcome, running, at).status()
    }
}

/// The status of the Architecture after a change of a healthy cluster.
fn status_after(change: impl FnOnce(&mut Snapshot)) -> ArchitectureStatus {
    status_of(ARCHITECTURE, change, |_| {})
}

/// The status of another Architecture, with a changed cluster and changed inputs.
fn status_of(
    text: &str,
    change: impl FnOnce(&mut Snapshot),
    change_inputs: impl FnOnce(&mut Inputs),
) -> ArchitectureStatus {
    let topology = plan_spec(&parse_spec(text));
    let mut snapshot = healthy_snapshot(&topology);
    change(&mut snapshot);
    let mut inputs = Inputs::of(&topology);
    change_inputs(&mut inputs);
    inputs.status(&observe_running(&snapshot), None, now())
}

pub(crate) fn condition<'a>(status: &'a ArchitectureStatus, type_: &str) -> &'a Condition {
    status.conditions.iter().find(|condition| condition.type_ == type_).unwrap()
}

#[track_caller]
pub(crate) fn assert_condition(
    status: &ArchitectureStatus,
    type_: &str,
    expected: (&str, &str),
    part: &str,
) {
    let found = condition(status, type_);
    assert_eq!((found.status.as_str(), found.reason.as_str()), expected, "{}", found.message);
    assert!(found.message.contains(part), "{} does not contain {part:?}", found.message);
    assert_eq!(found.observed_generation, Some(7));
}

pub(crate) fn pod_mut<'a>(snapshot: &'a mut Snapshot, name: &str) -> &'a mut Pod {
    let mut pods = snapshot.pods.iter_mut();
    Arc::make_mut(pods.find(|pod| pod.metadata.name.as_deref() == Some(name)).unwrap())
}

pub(crate) fn make_not_ready(snapshot: &mut Snapshot, name: &str) {
    let conditions = pod_mut(snapshot, name).status.as_mut().unwrap().conditions.as_mut().unwrap();
    conditions[0].status = "False".to_owned();
}

fn issue(kind: IssueKind, message: &str) -> Issue {
    Issue { kind, message: message.to_owned() }
}

fn transition_time(status: &ArchitectureStatus, type_: &str) -> Timestamp {
    condition(status, type_).last_transition_time.0
}

#[test]
fn a_healthy_model_is_ready() {
    let status = status_after(|_| {});
    assert_condition(&status, "Accepted", ("True", "Accepted"), "fine");
    assert_condition(
        &status,
        "Ready",
        ("True", "AllWorks"),
        "4 components available, 3 edges working",
    );
    assert_condition(&status, "Progressing", ("False", "UpToDate"), "");
    assert_condition(&status, "TrafficFlowing", ("True", "RequestsSucceed"), "");
    assert_eq!(status.conditions.len(), 4, "no overlay without peers");
    assert_eq!(status.components_ready.as_deref(), Some("4/4"));
    assert_eq!(status.entry.as_deref(), Some("http://shop.default.svc"));
    assert_eq!(status.shape, Some(Shape::ThreeTier));
    assert!(status.edges.iter().all(|edge| edge.state == EdgeState::Flowing));
    assert_eq!(status.components[0].ready, 2);
}

#[test]
fn issues_of_the_operator_come_first() {
    let status = status_of(
        ARCHITECTURE,
        |snapshot| make_not_ready(snapshot, "shop-data-0"),
        |inputs| {
            inputs.outcome.issues.push(issue(IssueKind::Failed, "Service shop-data: too many"));
            inputs.outcome.issues.push(issue(IssueKind::Conflict, "Service shop is not ours"));
        },
    );
    assert_condition(&status, "Ready", ("False", "Conflict"), "Service shop is not ours");
    assert_condition(&status, "Progressing", ("False", "Conflict"), "Service shop is not ours");
    let status = status_of(
        ARCHITECTURE,
        |_| {},
        |inputs| {
            inputs.outcome.issues.push(issue(IssueKind::Removal, "waiting for Service shop"));
        },
    );
    assert_condition(&status, "Ready", ("False", "WaitingForRemoval"), "waiting for Service shop");
    assert_condition(&status, "Progressing", ("True", "Evolving"), "waiting for Service shop");
}

#[test]
fn a_model_that_waits_is_not_ready_although_all_works() {
    let status = status_of(
        ARCHITECTURE,
        |_| {},
        |inputs| inputs.target.waits.push("waiting for x".to_owned()),
    );
    assert_condition(&status, "Ready", ("False", "Evolving"), "waiting for x");
    assert_condition(&status, "Progressing", ("True", "Evolving"), "waiting for x");
}

#[test]
fn a_rejected_specification_is_never_ready() {
    let status = status_of(
        ARCHITECTURE,
        |_| {},
        |inputs| {
            inputs.target.acceptance = Acceptance::Refused { problems: "spec.x: bad".to_owned() };
        },
    );
    assert_condition(&status, "Accepted", ("False", "Refused"), "spec.x: bad");
    assert_condition(&status, "Ready", ("False", "Refused"), "is refused: spec.x: bad");
    assert_condition(&status, "Stalled", ("True", "Refused"), "is refused: spec.x: bad");
    assert_condition(&status, "Progressing", ("False", "Refused"), "");
}

#[test]
fn a_message_fits_on_a_line() {
    let problems = "spec.x:\n bad; ".repeat(1000);
    let refused = Acceptance::Refused { problems };
    let status = status_of(ARCHITECTURE, |_| {}, |inputs| inputs.target.acceptance = refused);
    for type_ in ["Ready", "Stalled", "Progressing", "Accepted"] {
        let message = &condition(&status, type_).message;
        let longest = if type_ == "Accepted" { 4096 } else { 1000 };
        assert!(message.chars().count() <= longest, "{type_}: {message}");
        assert!(!message.contains('\n'), "{type_}: {message}");
    }
}

#[test]
fn a_condition_has_the_time_of_its_last_transition() {
    let topology = plan_spec(&parse_spec(ARCHITECTURE));
    let inputs = Inputs::of(&topology);
    let snapshot = healthy_snapshot(&topology);
    let first = inputs.status(&observe_running(&snapshot), None, now());
    let later = now() + SignedDuration::from_secs(5);
    let unchanged = inputs.status(&observe_running(&snapshot), Some(&first), later);
    assert_eq!(first, unchanged);
    let mut broken = snapshot.clone();
    make_not_ready(&mut broken, "shop-data-0");
    let turned = inputs.status(&observe_running(&broken), Some(&first), later);
    assert_eq!(transition_time(&turned, "Ready"), later);
    assert_eq!(transition_time(&turned, "TrafficFlowing"), now());
    let mut other = broken.clone();
    make_not_ready(&mut other, "shop-client-0");
    let even_later = later + SignedDuration::from_secs(5);
    let still = inputs.status(&observe_running(&other), Some(&turned), even_later);
    assert_eq!(transition_time(&still, "Ready"), later, "another message is no transition");
    assert_ne!(condition(&still, "Ready").message, condition(&turned, "Ready").message);
}

#[test]
fn an_architecture_without_pods_is_not_ready() {
    let topology = plan_spec(&parse_spec(ARCHITECTURE));
    let status = Inputs::of(&topology).status(&observe_running(&Snapshot::default()), None, now());
    assert_condition(
        &status,
        "Ready",
        ("False", "ComponentsNotReady"),
        "business: 0 of 2 pods are ready",
    );
    assert_condition(&status, "TrafficFlowing", ("Unknown", "NotReported"), "");
    assert_eq!(status.components_ready.as_deref(), Some("0/4"));
    assert_eq!(identity(), *topology.identity());
}

#[test]
fn an_unreadable_specification_or_object_is_in_the_conditions() {
    let problem = "spec.shape: unknown variant `Ring`".to_owned();
    let unreadable = Acceptance::Unreadable { problem };
    let status = status_of(ARCHITECTURE, |_| {}, |inputs| inputs.target.acceptance = unreadable);
    let fix = "cannot read spec.shape: unknown variant `Ring`. Change that, or run the version";
    assert_condition(&status, "Accepted", ("False", "Unreadable"), fix);
    assert_condition(&status, "Ready", ("False", "Unreadable"), "unknown variant `Ring`");
    assert_condition(&status, "Progressing", ("False", "Unreadable"), "");
    let unreadable_object = issue(IssueKind::Unreadable, "ConfigMap x: bad");
    let status =
        status_of(ARCHITECTURE, |_| {}, |inputs| inputs.outcome.issues.push(unreadable_object));
    assert_condition(&status, "Accepted", ("True", "Accepted"), "");
    assert_condition(&status, "Ready", ("False", "Unreadable"), "ConfigMap x: bad");
    assert_condition(&status, "Progressing", ("False", "Unreadable"), "ConfigMap x: bad");
}
