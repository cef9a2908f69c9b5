//! What the status says of a change that is under way, and of volumes that are not as wanted.

use crate::{
    cluster::{healthy_snapshot, now, observe_running, plan_spec, spec},
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

/// The status after `previous` when the operator knows what `know` says.
fn status_then(
    previous: Option<&ArchitectureStatus>,
    at: Timestamp,
    change: impl FnOnce(&mut Snapshot),
    know: impl FnOnce(&mut Inputs),
) -> ArchitectureStatus {
    let topology = plan_spec(&spec(ARCHITECTURE));
    let mut snapshot = healthy_snapshot(&topology);
    change(&mut snapshot);
    let mut inputs = Inputs::of(&topology);
    know(&mut inputs);
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

/// So many seconds after everything happened.
fn seconds_later(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

#[test]
fn a_step_has_the_time_at_which_it_began_and_the_change_the_shape_at_which_it_did() {
    let same = |_: &mut Snapshot| {};
    let settled = status_then(None, now(), same, |_| {});
    assert_eq!(settled.evolution, None);
    let raise = evolving(Shape::NTier, EvolutionStep::Expand);
    let begun = status_then(Some(&settled), seconds_later(1), same, raise);
    let found = evolution_status(&begun);
    assert_eq!((found.from, found.to), (Some(Shape::ThreeTier), Shape::NTier));
    assert_eq!((found.step, found.since.0), (EvolutionStep::Expand, seconds_later(1)));
    assert_eq!(found.message, "waiting for orders");
    let raise = evolving(Shape::NTier, EvolutionStep::Expand);
    let still = status_then(Some(&begun), seconds_later(2), same, raise);
    assert_eq!(still.evolution, begun.evolution);
    // Users are served by the new shape already.
    let settle = evolving(Shape::NTier, EvolutionStep::Finalize);
    let moved = status_then(Some(&still), seconds_later(3), same, |inputs| {
        settle(inputs);
        inputs.target.shape = Some(Shape::NTier);
    });
    let found = evolution_status(&moved);
    assert_eq!((found.from, found.to), (Some(Shape::ThreeTier), Shape::NTier));
    assert_eq!((found.step, found.since.0), (EvolutionStep::Finalize, seconds_later(3)));
    // A change of mind is another change.
    let settle = evolving(Shape::PeerToPeer, EvolutionStep::Finalize);
    let other = status_then(Some(&moved), seconds_later(4), same, settle);
    let found = evolution_status(&other);
    assert_eq!((found.from, found.to), (Some(Shape::NTier), Shape::PeerToPeer));
    assert_eq!(found.since.0, seconds_later(4));
    assert_eq!(status_then(Some(&other), seconds_later(5), same, |_| {}).evolution, None);
}

#[test]
fn what_cannot_be_reached_is_told_and_everything_stays() {
    let cannot = "orders would lose its items: name its store";
    let status =
        status_then(None, now(), |_| {}, |inputs| inputs.target.blockers.push(cannot.to_owned()));
    assert_condition(&status, "Progressing", ("False", "Blocked"), cannot);
    assert_condition(&status, "Ready", ("False", "Blocked"), cannot);
    assert_eq!(status.evolution, None);
    assert_condition(&status, "TrafficFlowing", ("True", "RequestsSucceed"), "");
}

fn break_image(snapshot: &mut Snapshot) {
    make_not_ready(snapshot, "shop-data-0");
    let waiting =
        ContainerStateWaiting { reason: Some("ImagePullBackOff".to_owned()), message: None };
    let state = ContainerState { waiting: Some(waiting), ..ContainerState::default() };
    let container = ContainerStatus {
        image: "a/b:c".to_owned(),
        state: Some(state),
        ..ContainerStatus::default()
    };
    let status = pod_mut(snapshot, "shop-data-0").status.as_mut().unwrap();
    status.container_statuses = Some(vec![container]);
}

#[test]
fn a_change_that_waits_for_a_pod_in_need_of_help_does_not_go_on() {
    let says = "pod shop-data-0: image a/b:c cannot be pulled; the running model still serves";
    let status =
        status_then(None, now(), break_image, evolving(Shape::NTier, EvolutionStep::Expand));
    assert_condition(&status, "Progressing", ("False", "PodsNotReady"), says);
    assert_eq!(evolution_status(&status).message, says);
    // Without a change it is a component that is not ready, as ever.
    let status = status_then(None, now(), break_image, |_| {});
    assert_condition(&status, "Progressing", ("True", "ComponentsNotReady"), "cannot be pulled");
    // A pod that only takes its time is waited for.
    let slow = |snapshot: &mut Snapshot| make_not_ready(snapshot, "shop-data-0");
    let status = status_then(None, now(), slow, evolving(Shape::NTier, EvolutionStep::Expand));
    assert_condition(&status, "Progressing", ("True", "Evolving"), "waiting for orders");
}

#[test]
fn a_change_stands_still_while_the_specification_is_refused() {
    let raise = evolving(Shape::NTier, EvolutionStep::Expand);
    let begun = status_then(None, now(), |_| {}, raise);
    let raise = evolving(Shape::NTier, EvolutionStep::Expand);
    let refused = status_then(
        Some(&begun),
        seconds_later(1),
        |_| {},
        |inputs| {
            raise(inputs);
            inputs.target.acceptance = Acceptance::Refused { problems: "spec.x: bad".to_owned() };
        },
    );
    assert_condition(&refused, "Progressing", ("False", "Refused"), "");
    assert_eq!(evolution_status(&refused).since, evolution_status(&begun).since);
}

#[test]
fn volumes_that_are_not_as_wanted_are_told_and_the_whole_is_ready() {
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
