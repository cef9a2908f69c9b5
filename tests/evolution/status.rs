//! What the status says of what runs.

mod components;
mod edges;
mod users;

use crate::cluster::{healthy_snapshot, identity, now, observe_running, plan_spec, spec};
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
            blockers: vec![],
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
        let subject = Subject { identity: &self.identity, generation: 7, previous };
        Assessment::new(subject, &self.target, &self.outcome, running, at).status()
    }
}

/// The status of the Architecture after something changed in a cluster where all works.
fn status_after(change: impl FnOnce(&mut Snapshot)) -> ArchitectureStatus {
    status_of(ARCHITECTURE, change, |_| {})
}

/// The same for another Architecture, and after a change of what the operator knows.
fn status_of(
    text: &str,
    change: impl FnOnce(&mut Snapshot),
    know: impl FnOnce(&mut Inputs),
) -> ArchitectureStatus {
    let topology = plan_spec(&spec(text));
    let mut snapshot = healthy_snapshot(&topology);
    change(&mut snapshot);
    let mut inputs = Inputs::of(&topology);
    know(&mut inputs);
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
    says: &str,
) {
    let found = condition(status, type_);
    assert_eq!((found.status.as_str(), found.reason.as_str()), expected, "{}", found.message);
    assert!(found.message.contains(says), "{} does not say {says:?}", found.message);
    assert_eq!(found.observed_generation, Some(7));
}

pub(crate) fn pod_mut<'a>(snapshot: &'a mut Snapshot, name: &str) -> &'a mut Pod {
    let named = |pod: &&mut Arc<Pod>| pod.metadata.name.as_deref() == Some(name);
    Arc::make_mut(snapshot.pods.iter_mut().find(named).unwrap())
}

pub(crate) fn make_not_ready(snapshot: &mut Snapshot, name: &str) {
    let conditions = pod_mut(snapshot, name).status.as_mut().unwrap().conditions.as_mut().unwrap();
    conditions[0].status = "False".to_owned();
}

#[test]
fn all_works() {
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
fn what_keeps_the_operator_from_its_work_comes_first() {
    let trouble = |kind, message: &str| Issue { kind, message: message.to_owned() };
    let status = status_of(
        ARCHITECTURE,
        |snapshot| make_not_ready(snapshot, "shop-data-0"),
        |inputs| {
            inputs.outcome.issues.push(trouble(IssueKind::Failed, "Service shop-data: too many"));
            inputs.outcome.issues.push(trouble(IssueKind::Conflict, "Service shop is not ours"));
        },
    );
    assert_condition(&status, "Ready", ("False", "Conflict"), "Service shop is not ours");
    assert_condition(&status, "Progressing", ("False", "Conflict"), "Service shop is not ours");
    let status = status_of(
        ARCHITECTURE,
        |_| {},
        |inputs| {
            inputs.outcome.issues.push(trouble(IssueKind::Removal, "waiting for Service shop"));
        },
    );
    assert_condition(&status, "Ready", ("False", "WaitingForRemoval"), "waiting for Service shop");
    assert_condition(&status, "Progressing", ("True", "Evolving"), "waiting for Service shop");
}

#[test]
fn what_is_not_yet_as_wanted_is_not_ready_although_all_works() {
    let status = status_of(
        ARCHITECTURE,
        |_| {},
        |inputs| inputs.target.waits.push("waiting for x".to_owned()),
    );
    assert_condition(&status, "Ready", ("False", "Evolving"), "waiting for x");
    assert_condition(&status, "Progressing", ("True", "Evolving"), "waiting for x");
}

#[test]
fn a_specification_that_is_refused_is_never_ready() {
    let status = status_of(
        ARCHITECTURE,
        |_| {},
        |inputs| {
            inputs.target.acceptance = Acceptance::Refused { problems: "spec.x: bad".to_owned() };
        },
    );
    assert_condition(&status, "Accepted", ("False", "Refused"), "spec.x: bad");
    assert_condition(&status, "Ready", ("False", "Refused"), "");
    assert_condition(&status, "Progressing", ("False", "Refused"), "");
}

#[test]
fn a_transition_has_the_time_at_which_the_status_turned() {
    let topology = plan_spec(&spec(ARCHITECTURE));
    let inputs = Inputs::of(&topology);
    let snapshot = healthy_snapshot(&topology);
    let first = inputs.status(&observe_running(&snapshot), None, now());
    let later = now() + SignedDuration::from_secs(5);
    let same = inputs.status(&observe_running(&snapshot), Some(&first), later);
    assert_eq!(first, same);
    let mut broken = snapshot.clone();
    make_not_ready(&mut broken, "shop-data-0");
    let turned = inputs.status(&observe_running(&broken), Some(&first), later);
    let time = |status: &ArchitectureStatus, type_| condition(status, type_).last_transition_time.0;
    assert_eq!(time(&turned, "Ready"), later);
    assert_eq!(time(&turned, "TrafficFlowing"), now());
    let mut other = broken.clone();
    make_not_ready(&mut other, "shop-client-0");
    let even_later = later + SignedDuration::from_secs(5);
    let still = inputs.status(&observe_running(&other), Some(&turned), even_later);
    assert_eq!(time(&still, "Ready"), later, "another message is no transition");
    assert_ne!(condition(&still, "Ready").message, condition(&turned, "Ready").message);
}

#[test]
fn an_architecture_of_which_nothing_runs_yet_says_so() {
    let topology = plan_spec(&spec(ARCHITECTURE));
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
fn a_specification_or_a_part_that_cannot_be_read_is_told() {
    let problem = "spec.shape: unknown variant `Ring`".to_owned();
    let unreadable = Acceptance::Unreadable { problem };
    let status = status_of(ARCHITECTURE, |_| {}, |inputs| inputs.target.acceptance = unreadable);
    let mend = "cannot read spec.shape: unknown variant `Ring`. Change that, or run the version";
    assert_condition(&status, "Accepted", ("False", "Unreadable"), mend);
    assert_condition(&status, "Ready", ("False", "Unreadable"), "");
    assert_condition(&status, "Progressing", ("False", "Unreadable"), "");
    let part = Issue { kind: IssueKind::Unreadable, message: "ConfigMap x: bad".to_owned() };
    let status = status_of(ARCHITECTURE, |_| {}, |inputs| inputs.outcome.issues.push(part));
    assert_condition(&status, "Accepted", ("True", "Accepted"), "");
    assert_condition(&status, "Ready", ("False", "Unreadable"), "ConfigMap x: bad");
    assert_condition(&status, "Progressing", ("False", "Unreadable"), "ConfigMap x: bad");
}
