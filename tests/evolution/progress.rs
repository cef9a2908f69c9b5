//! The status during a change, and of volumes that differ from the specification.

use crate::{
    cluster::{healthy_snapshot, now, observe_running, parse_spec, plan_spec},
    status::{Inputs, assert_condition, condition, make_not_ready, pod_mut},
};
use k8s_openapi::{
    api::core::v1::{ContainerState, ContainerStateWaiting, ContainerStatus},
    jiff::{SignedDuration, Timestamp},
};
use maquette::{
    api::{ArchitectureStatus, EvolutionStatus, EvolutionStep, Shape},
    observe::{Acceptance, ActiveEvolution, Snapshot, VolumeNote},
};

const ARCHITECTURE: &str = "shape: ThreeTier\nthreeTier: {business: {replicas: 2}}";

/// The status after `previous`, with a changed cluster and changed inputs.
fn status_then(
    previous: Option<&ArchitectureStatus>,
    at: Timestamp,
    change: impl FnOnce(&mut Snapshot),
    change_inputs: impl FnOnce(&mut Inputs),
) -> ArchitectureStatus {
    let topology = plan_spec(&parse_spec(ARCHITECTURE));
    let mut snapshot = healthy_snapshot(&topology);
    change(&mut snapshot);
    let mut inputs = Inputs::of(&topology);
    change_inputs(&mut inputs);
    inputs.status(&observe_running(&snapshot), previous, at)
}

fn evolving(to: Shape, step: EvolutionStep) -> impl FnOnce(&mut Inputs) {
    move |inputs| {
        inputs.target.evolution = Some(ActiveEvolution { to, step });
        inputs.target.waits.push("waiting for orders".to_owned());
    }
}

fn evolution_status(status: &ArchitectureStatus) -> &EvolutionStatus {
    status.evolution.as_ref().unwrap()
}

/// A time after that of all reports.
fn seconds_later(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

#[test]
fn a_step_keeps_its_start_and_a_change_its_first_shape() {
    let unchanged = |_: &mut Snapshot| {};
    let up_to_date = status_then(None, now(), unchanged, |_| {});
    assert_eq!(up_to_date.evolution, None);
    let expand = evolving(Shape::NTier, EvolutionStep::Expand);
    let started = status_then(Some(&up_to_date), seconds_later(1), unchanged, expand);
    let found = evolution_status(&started);
    assert_eq!((found.from, found.to), (Some(Shape::ThreeTier), Shape::NTier));
    assert_eq!((found.step, found.since.0), (EvolutionStep::Expand, seconds_later(1)));
    assert_eq!(found.message, "waiting for orders");
    let expand = evolving(Shape::NTier, EvolutionStep::Expand);
    let still = status_then(Some(&started), seconds_later(2), unchanged, expand);
    assert_eq!(still.evolution, started.evolution);
    // The new shape already serves requests.
    let finalize = evolving(Shape::NTier, EvolutionStep::Finalize);
    let moved = status_then(Some(&still), seconds_later(3), unchanged, |inputs| {
        finalize(inputs);
        inputs.target.shape = Some(Shape::NTier);
    });
    let found = evolution_status(&moved);
    assert_eq!((found.from, found.to), (Some(Shape::ThreeTier), Shape::NTier));
    assert_eq!((found.step, found.since.0), (EvolutionStep::Finalize, seconds_later(3)));
    // Another wanted shape is another change.
    let finalize = evolving(Shape::PeerToPeer, EvolutionStep::Finalize);
    let other = status_then(Some(&moved), seconds_later(4), unchanged, finalize);
    let found = evolution_status(&other);
    assert_eq!((found.from, found.to), (Some(Shape::NTier), Shape::PeerToPeer));
    assert_eq!(found.since.0, seconds_later(4));
    assert_eq!(status_then(Some(&other), seconds_later(5), unchanged, |_| {}).evolution, None);
}

#[test]
fn a_step_that_waits_for_nothing_says_what_it_does() {
    let contract = |inputs: &mut Inputs| {
        let step = EvolutionStep::Contract;
        inputs.target.evolution = Some(ActiveEvolution { to: Shape::NTier, step });
    };
    let status = status_then(None, now(), |_| {}, contract);
    let part = "components that are no longer specified are deleted";
    assert_condition(&status, "Progressing", ("True", "Evolving"), part);
    assert_condition(&status, "Ready", ("False", "Evolving"), part);
    assert_eq!(evolution_status(&status).message, part);
}

#[test]
fn a_blocker_is_in_the_conditions_and_the_model_still_serves() {
    let blocker = "orders would lose its items: name its store";
    let status =
        status_then(None, now(), |_| {}, |inputs| inputs.target.blockers.push(blocker.to_owned()));
    assert_condition(&status, "Progressing", ("False", "Blocked"), blocker);
    assert_condition(&status, "Ready", ("False", "Blocked"), blocker);
    assert_eq!(status.evolution, None);
    assert_condition(&status, "TrafficFlowing", ("True", "RequestsSucceed"), "");
}

pub(crate) fn break_image(snapshot: &mut Snapshot) {
    break_image_of(snapshot, "shop-data-0");
}

/// The image of this pod cannot be pulled.
pub(crate) fn break_image_of(snapshot: &mut Snapshot, pod: &str) {
    make_not_ready(snapshot, pod);
    let waiting =
        ContainerStateWaiting { reason: Some("ImagePullBackOff".to_owned()), message: None };
    let state = ContainerState { waiting: Some(waiting), ..ContainerState::default() };
    let container = ContainerStatus {
        image: "a/b:c".to_owned(),
        state: Some(state),
        ..ContainerStatus::default()
    };
    let status = pod_mut(snapshot, pod).status.as_mut().unwrap();
    status.container_statuses = Some(vec![container]);
}

#[test]
fn a_change_that_waits_for_a_broken_pod_does_not_progress() {
    // The store serves, so the message does not say that users are served.
    let part = "pod shop-data-0: image a/b:c cannot be pulled";
    let status =
        status_then(None, now(), break_image, evolving(Shape::NTier, EvolutionStep::Expand));
    assert_condition(&status, "Progressing", ("False", "PodsNotReady"), part);
    assert_eq!(evolution_status(&status).message, part);
    // It does not end by itself without a change either.
    let status = status_then(None, now(), break_image, |_| {});
    assert_condition(&status, "Progressing", ("False", "PodsNotReady"), "cannot be pulled");
    // A pod that is only slow is waited for.
    let slow = |snapshot: &mut Snapshot| make_not_ready(snapshot, "shop-data-0");
    let status = status_then(None, now(), slow, evolving(Shape::NTier, EvolutionStep::Expand));
    assert_condition(&status, "Progressing", ("True", "Evolving"), "waiting for orders");
}

#[test]
fn a_change_does_not_progress_while_the_specification_is_rejected() {
    let expand = evolving(Shape::NTier, EvolutionStep::Expand);
    let started = status_then(None, now(), |_| {}, expand);
    let expand = evolving(Shape::NTier, EvolutionStep::Expand);
    let refused = status_then(
        Some(&started),
        seconds_later(1),
        |_| {},
        |inputs| {
            expand(inputs);
            inputs.target.acceptance = Acceptance::Refused { problems: "spec.x: bad".to_owned() };
        },
    );
    assert_condition(&refused, "Progressing", ("False", "Refused"), "");
    assert_eq!(evolution_status(&refused).since, evolution_status(&started).since);
}

#[test]
fn volumes_that_differ_from_the_specification_do_not_affect_ready() {
    let growing = || VolumeNote::Growing("a grows".to_owned());
    let stuck = || VolumeNote::Unchanged("b stays".to_owned());
    let with = |notes: Vec<VolumeNote>| {
        status_then(None, now(), |_| {}, |f| f.outcome.volume_notes = notes)
    };
    let status = with(vec![stuck(), growing()]);
    assert_condition(&status, "Progressing", ("True", "VolumesGrowing"), "a grows; b stays");
    assert_condition(&status, "Ready", ("True", "AllWorks"), "");
    let status = with(vec![stuck()]);
    assert_condition(&status, "Progressing", ("False", "VolumesUnchanged"), "b stays");
    assert_eq!(condition(&status, "Ready").status, "True");
}
