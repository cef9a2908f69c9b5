//! New pods come one component after the other, and pods that cannot start take none of the old
//! ones down.

mod controllers;
mod objects;
mod world;

use crate::{
    cluster::{now, parse_spec, plan_spec},
    status::{make_not_ready, pod_mut},
};
use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::SignedDuration};
use maquette::{observe::Snapshot, plan::Topology};
use objects::canary_status;
use proptest::prelude::*;
use world::World;

const SPECS: [&str; 4] = [
    "shape: ThreeTier\nthreeTier: {business: {replicas: 2}}",
    "shape: NTier",
    "shape: ClientServer",
    "shape: PeerToPeer\npeerToPeer: {replicas: 3}",
];

fn topology(spec: &str, image: &str) -> Topology {
    plan_spec(&parse_spec(&format!("{spec}\npods: {{image: {image}}}")))
}

/// Runs until nothing changes. Returns the names in the order in which pods changed.
fn run_until_still(world: &mut World) -> Vec<String> {
    let mut changed = vec![];
    for _ in 0..500 {
        let before = world.pods.clone();
        let floor = floor_of(world);
        world.reconcile(true);
        let has_changed = world.run_controllers();
        assert_floor(world, &floor);
        for (name, pods) in &world.pods {
            let old: Vec<_> = before[name].iter().map(|pod| pod.image().to_owned()).collect();
            let new: Vec<_> = pods.iter().map(|pod| pod.image().to_owned()).collect();
            if old != new && changed.last() != Some(name) {
                changed.push(name.clone());
            }
        }
        if !has_changed && !world.reconcile(true).is_active() || is_still(world) {
            return changed;
        }
    }
    panic!("it never ends: {:?}", world.pods);
}

/// Whether neither the operator nor a controller does anything more.
fn is_still(world: &mut World) -> bool {
    let before = format!("{:?}", world.pods);
    for _ in 0..4 {
        world.reconcile(true);
        if world.run_controllers() {
            return false;
        }
    }
    before == format!("{:?}", world.pods)
}

/// How many pods of each workload must be ready after the next step.
fn floor_of(world: &World) -> Vec<(String, usize)> {
    let ready = world.ready().into_iter();
    ready
        .map(|(name, ready)| {
            let component = name.trim_start_matches("shop-").parse().unwrap();
            let planned = world.wanted.component(&component).unwrap();
            let wanted = ready.min(planned.replicas as usize);
            let is_service = planned.role() == maquette_contract::Role::Service;
            (name, if is_service { wanted } else { wanted.saturating_sub(1) })
        })
        .collect()
}

fn assert_floor(world: &World, floor: &[(String, usize)]) {
    let ready = world.ready();
    for (name, least) in floor {
        assert!(ready[name] >= *least, "{name}: {} ready, not {least}", ready[name]);
    }
}

#[test]
fn components_change_one_after_the_other_and_the_load_last() {
    let cases = [
        "shop-business, shop-client, shop-data, shop-load",
        "shop-catalog, shop-orders, shop-storefront, shop-client, shop-data, shop-orders-data, shop-load",
        "shop-client, shop-data, shop-load",
        "shop-peers, shop-load",
    ];
    for (spec, expected) in SPECS.iter().zip(cases) {
        let mut world = World::healthy(&topology(spec, "old"));
        world.good.insert("new".to_owned());
        world.wanted = topology(spec, "new");
        assert_eq!(run_until_still(&mut world).join(", "), expected, "{spec}");
        assert!(world.images().iter().eq(["new"]), "{:?}", world.images());
        let done = world.reconcile(true);
        assert_eq!((done.wait(), done.stop()), (None, None));
        assert!(done.canaries.is_empty() && done.obsolete_pods.is_empty());
    }
}

#[test]
fn an_image_that_cannot_be_pulled_takes_no_ready_pod_down() {
    for spec in SPECS {
        let mut world = World::healthy(&topology(spec, "old"));
        let before = world.ready();
        world.wanted = topology(spec, "typo");
        run_until_still(&mut world);
        assert_eq!(world.ready(), before, "{spec}");
        let stop = world.reconcile(true).stop().expect("it stops");
        assert!(stop.contains("image ") && stop.contains("cannot be pulled"), "{stop}");

        // The way back, and a fix instead.
        for image in ["old", "typo", "fixed"] {
            world.good.insert("fixed".to_owned());
            world.wanted = topology(spec, image);
            run_until_still(&mut world);
            assert_eq!(world.ready(), before, "{spec}, {image}");
            let expected = if image == "typo" { None } else { Some(image) };
            if let Some(expected) = expected {
                assert!(world.images().iter().eq([expected]), "{:?}", world.images());
                assert!(!world.reconcile(true).is_active());
            }
        }
    }
}

#[test]
fn a_fix_of_a_model_that_never_worked_is_applied_at_once() {
    let mut world = World::healthy(&topology(SPECS[0], "typo"));
    world.good.clear();
    world.run_controllers();
    world.good.insert("new".to_owned());
    world.wanted = topology(SPECS[0], "new");
    world.reconcile(true);
    world.run_controllers();
    let images: Vec<_> = world.pods.values().map(|pods| pods.len()).collect();
    run_until_still(&mut world);
    assert!(world.images().iter().eq(["new"]), "{images:?}");
}

#[test]
fn a_pod_that_its_controller_does_not_replace_is_deleted() {
    let (old, typo) = (topology(SPECS[3], "old"), topology(SPECS[3], "typo"));
    let mut world = World::healthy(&old);
    world.sets_wait = true;
    world.set_state("shop-peers", &typo, &[&old, &old, &typo]);
    run_until_still(&mut world);
    assert!(world.images().iter().eq(["old"]), "{:?}", world.images());
}

/// The wait and the stop of new peers after their canary has succeeded, with `disturb` applied.
fn wait_of_peers(disturb: fn(&mut Snapshot)) -> (Option<String>, Option<String>) {
    let mut world = World::healthy(&topology(SPECS[3], "old"));
    world.good.insert("new".to_owned());
    world.wanted = topology(SPECS[3], "new");
    while world.reconcile(true).canaries.is_empty() {
        world.run_controllers();
    }
    world.run_controllers();
    world.disturb = disturb;
    let plan = world.reconcile(true);
    (plan.wait(), plan.stop())
}

fn delete_first_peer(snapshot: &mut Snapshot, deadline: SignedDuration) {
    pod_mut(snapshot, "shop-peers-0").metadata.deletion_timestamp = Some(Time(now() + deadline));
}

fn age_first_peer(snapshot: &mut Snapshot, age: SignedDuration) {
    let pod = pod_mut(snapshot, "shop-peers-0");
    pod.metadata.creation_timestamp = Some(Time(now() - age));
    pod.status.as_mut().unwrap().container_statuses = None;
    make_not_ready(snapshot, "shop-peers-0");
}

#[test]
fn a_rollout_waits_for_pods_that_end_or_start_in_time_and_names_one_that_does_not_end() {
    let (wait, stop) =
        wait_of_peers(|snapshot| delete_first_peer(snapshot, SignedDuration::from_secs(10)));
    let wait = wait.unwrap();
    assert!(wait.contains("peers: pod shop-peers-0 is ending"), "{wait}");
    assert_eq!(stop, None);
    let (_, stop) =
        wait_of_peers(|snapshot| delete_first_peer(snapshot, SignedDuration::from_secs(-60)));
    let stop = stop.expect("it stops");
    assert!(stop.contains("pod shop-peers-0 did not end within its grace period"), "{stop}");

    let (wait, _) =
        wait_of_peers(|snapshot| age_first_peer(snapshot, SignedDuration::from_mins(9)));
    let wait = wait.unwrap();
    assert!(wait.contains("peers: pod shop-peers-0 is starting"), "{wait}");
    let (wait, _) =
        wait_of_peers(|snapshot| age_first_peer(snapshot, SignedDuration::from_mins(11)));
    let wait = wait.unwrap();
    assert!(wait.contains("peers: its pods are being replaced"), "{wait}");
}

#[test]
fn a_refused_canary_stops_the_rollout_and_is_not_created_again() {
    let mut world = World::healthy(&topology(SPECS[3], "old"));
    world.wanted = topology(SPECS[3], "new");
    let mut plan = world.reconcile(true);
    assert_eq!(plan.canaries.len(), 1);
    assert!(plan.needs_slot());
    plan.refuse_canary("shop-peers-canary", "too large");
    assert!(plan.canaries.is_empty() && !plan.needs_slot());
    assert!(plan.stop().unwrap().ends_with("peers: too large"));
}

#[test]
fn a_component_that_is_broken_for_another_reason_is_not_said_to_have_new_pods() {
    let (old, new) = (topology(SPECS[0], "old"), topology(SPECS[0], "new"));
    let mut world = World::healthy(&old);
    world.good.insert("new".to_owned());
    world.wanted = new.clone();
    world.set_state("shop-business", &new, &[&new, &new]);
    world.disturb = |snapshot| {
        let name = "shop-business-0";
        let mut broken = canary_status(false);
        broken.conditions = pod_mut(snapshot, name).status.take().unwrap().conditions;
        pod_mut(snapshot, name).status = Some(broken);
        make_not_ready(snapshot, name);
    };
    let stop = world.reconcile(true).stop().expect("it stops");
    let expected = "the change of pods waits for business: pod shop-business-0: image wrong";
    assert!(stop.starts_with(expected), "{stop}");
}

#[test]
fn without_a_slot_nothing_that_serves_changes() {
    let mut world = World::healthy(&topology(SPECS[0], "old"));
    world.good.insert("new".to_owned());
    world.wanted = topology(SPECS[0], "new");
    let plan = world.reconcile(false);
    assert!(!world.run_controllers() && plan.only_waits_for_slot());
    assert_eq!(
        plan.wait().as_deref(),
        Some(
            "new pods of business, client, data and 1 more wait for a slot: 5 other Architectures \
             are rolling out; --max-concurrent-rollouts allows 5 at once"
        )
    );
}

#[test]
fn without_a_slot_a_change_that_has_begun_goes_on_and_says_so() {
    let (old, new) = (topology(SPECS[3], "old"), topology(SPECS[3], "new"));
    let mut world = World::healthy(&old);
    world.good.insert("new".to_owned());
    world.wanted = new.clone();
    world.set_state("shop-peers", &new, &[&old, &old, &new]);
    world.set_state("shop-load", &new, &[&new]);
    let plan = world.reconcile(false);
    let wait = plan.wait().unwrap();
    assert!(wait.starts_with("rolling out new pods"), "{wait}");
    assert!(!plan.only_waits_for_slot());
}

#[test]
fn the_status_names_the_component_whose_pods_change() {
    let mut world = World::healthy(&topology(SPECS[0], "old"));
    world.wanted = topology(SPECS[0], "typo");
    let plan = world.reconcile(true);
    let expected = "rolling out new pods: business: its pods are being replaced; then client, \
                    data, load";
    assert_eq!(plan.wait().as_deref(), Some(expected));
    world.run_controllers();
    world.run_controllers();
    let plan = world.reconcile(true);
    let stop = plan.stop().expect("it stops");
    assert!(stop.starts_with("new pods cannot start: business: pod shop-business-x"), "{stop}");
}

/// The state of one workload: its template, and those of its pods; 0 is old, 1 new, 2 broken.
fn states() -> impl Strategy<Value = Vec<(usize, [usize; 3])>> {
    proptest::collection::vec((0..3usize, [0..3usize, 0..3usize, 0..3usize]), 8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_rollout_ends_and_takes_no_serving_pod_down(
        spec in proptest::sample::select(SPECS.to_vec()),
        states in states(),
        sets_wait: bool,
    ) {
        let [old, new, broken] = ["old", "new", "broken"].map(|image| topology(spec, image));
        let all = [&old, &new, &broken];
        let mut world = World::healthy(&old);
        world.good.insert("new".to_owned());
        world.sets_wait = sets_wait;
        let names: Vec<_> = world.pods.keys().cloned().collect();
        for (name, (template, pods)) in names.iter().zip(states) {
            let count = world.pods[name].len().min(3);
            let pods: Vec<_> = pods[..count].iter().map(|pod| all[*pod]).collect();
            world.set_state(name, all[template], &pods);
        }
        for wanted in [&broken, &new] {
            world.wanted = (*wanted).clone();
            run_until_still(&mut world);
        }
        prop_assert!(world.images().iter().eq(["new"]), "{:?}", world.images());
        prop_assert!(!world.reconcile(true).is_active());
    }
}
