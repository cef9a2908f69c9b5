//! What the status says of a change that is under way, and of volumes that are not as wanted.

use crate::{
    cluster::{now, planned, read, spec, works},
    status::{condition, facts, is, not_ready, pod},
};
use k8s_openapi::{
    api::core::v1::{ContainerState, ContainerStateWaiting, ContainerStatus},
    jiff::{SignedDuration, Timestamp},
};
use maquette::{
    api::{ArchitectureStatus, EvolutionStatus, EvolutionStep, Shape},
    observe::{Acceptance, Evolving, Facts, Snapshot, VolumeNote, status},
};

const ARCHITECTURE: &str = "shape: ThreeTier\nthreeTier: {business: {replicas: 2}}";

/// The status after `previous` when the operator knows what `know` says.
fn then(
    previous: Option<&ArchitectureStatus>,
    at: Timestamp,
    change: impl FnOnce(&mut Snapshot),
    know: impl FnOnce(&mut Facts<'_>),
) -> ArchitectureStatus {
    let topology = planned(&spec(ARCHITECTURE));
    let mut snapshot = works(&topology);
    change(&mut snapshot);
    let mut facts = facts(&topology);
    know(&mut facts);
    status(&facts, &read(&snapshot), previous, at)
}

fn evolving(to: Shape, step: EvolutionStep) -> impl FnOnce(&mut Facts<'_>) {
    move |facts| {
        facts.evolution = Some(Evolving { to, step });
        facts.waits.push("waiting for orders".to_owned());
    }
}

fn evolution(status: &ArchitectureStatus) -> &EvolutionStatus {
    status.evolution.as_ref().unwrap()
}

/// So many seconds after everything happened.
fn later(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

#[test]
fn a_step_has_the_time_at_which_it_began_and_the_change_the_shape_at_which_it_did() {
    let same = |_: &mut Snapshot| {};
    let settled = then(None, now(), same, |_| {});
    assert_eq!(settled.evolution, None);
    let raise = evolving(Shape::NTier, EvolutionStep::Expand);
    let begun = then(Some(&settled), later(1), same, raise);
    let found = evolution(&begun);
    assert_eq!((found.from, found.to), (Some(Shape::ThreeTier), Shape::NTier));
    assert_eq!((found.step, found.since.0), (EvolutionStep::Expand, later(1)));
    assert_eq!(found.message, "waiting for orders");
    let raise = evolving(Shape::NTier, EvolutionStep::Expand);
    let still = then(Some(&begun), later(2), same, raise);
    assert_eq!(still.evolution, begun.evolution);
    // Users are served by the new shape already.
    let settle = evolving(Shape::NTier, EvolutionStep::Finalize);
    let moved = then(Some(&still), later(3), same, |facts| {
        settle(facts);
        facts.shape = Some(Shape::NTier);
    });
    let found = evolution(&moved);
    assert_eq!((found.from, found.to), (Some(Shape::ThreeTier), Shape::NTier));
    assert_eq!((found.step, found.since.0), (EvolutionStep::Finalize, later(3)));
    // A change of mind is another change.
    let settle = evolving(Shape::PeerToPeer, EvolutionStep::Finalize);
    let other = then(Some(&moved), later(4), same, settle);
    let found = evolution(&other);
    assert_eq!((found.from, found.to), (Some(Shape::NTier), Shape::PeerToPeer));
    assert_eq!(found.since.0, later(4));
    assert_eq!(then(Some(&other), later(5), same, |_| {}).evolution, None);
}

#[test]
fn what_cannot_be_reached_is_told_and_everything_stays() {
    let cannot = "orders would lose its items: name its store";
    let status = then(None, now(), |_| {}, |facts| facts.cannot.push(cannot.to_owned()));
    is(&status, "Progressing", ("False", "Blocked"), cannot);
    is(&status, "Ready", ("False", "Blocked"), cannot);
    assert_eq!(status.evolution, None);
    is(&status, "TrafficFlowing", ("True", "RequestsSucceed"), "");
}

fn bad_image(snapshot: &mut Snapshot) {
    not_ready(snapshot, "shop-data-0");
    let waiting =
        ContainerStateWaiting { reason: Some("ImagePullBackOff".to_owned()), message: None };
    let state = ContainerState { waiting: Some(waiting), ..ContainerState::default() };
    let container = ContainerStatus {
        image: "a/b:c".to_owned(),
        state: Some(state),
        ..ContainerStatus::default()
    };
    let status = pod(snapshot, "shop-data-0").status.as_mut().unwrap();
    status.container_statuses = Some(vec![container]);
}

#[test]
fn a_change_that_waits_for_a_pod_in_need_of_help_does_not_go_on() {
    let says = "pod shop-data-0: image a/b:c cannot be pulled; what served goes on serving";
    let status = then(None, now(), bad_image, evolving(Shape::NTier, EvolutionStep::Expand));
    is(&status, "Progressing", ("False", "PodsNotReady"), says);
    assert_eq!(evolution(&status).message, says);
    // Without a change it is a component that is not ready, as ever.
    let status = then(None, now(), bad_image, |_| {});
    is(&status, "Progressing", ("True", "ComponentsNotReady"), "cannot be pulled");
    // A pod that only takes its time is waited for.
    let slow = |snapshot: &mut Snapshot| not_ready(snapshot, "shop-data-0");
    let status = then(None, now(), slow, evolving(Shape::NTier, EvolutionStep::Expand));
    is(&status, "Progressing", ("True", "Evolving"), "waiting for orders");
}

#[test]
fn a_change_stands_still_while_the_specification_is_refused() {
    let raise = evolving(Shape::NTier, EvolutionStep::Expand);
    let begun = then(None, now(), |_| {}, raise);
    let raise = evolving(Shape::NTier, EvolutionStep::Expand);
    let refused = then(
        Some(&begun),
        later(1),
        |_| {},
        |facts| {
            raise(facts);
            facts.acceptance = Acceptance::Refused { problems: "spec.x: bad".to_owned() };
        },
    );
    is(&refused, "Progressing", ("False", "Refused"), "");
    assert_eq!(evolution(&refused).since, evolution(&begun).since);
}

#[test]
fn volumes_that_are_not_as_wanted_are_told_and_the_whole_is_ready() {
    let growing = || VolumeNote::Growing("a grows".to_owned());
    let stuck = || VolumeNote::Stuck("b stays".to_owned());
    let with = |notes: Vec<VolumeNote>| then(None, now(), |_| {}, |f| f.volume_notes = notes);
    let status = with(vec![stuck(), growing()]);
    is(&status, "Progressing", ("True", "VolumesGrowing"), "a grows; b stays");
    is(&status, "Ready", ("True", "AllWorks"), "");
    let status = with(vec![stuck()]);
    is(&status, "Progressing", ("False", "VolumesUnchanged"), "b stays");
    assert_eq!(condition(&status, "Ready").status, "True");
}
