//! `Ready` during a healthy change, and when something that served breaks during it.

use super::{Inputs, assert_condition, make_not_ready};
use crate::cluster::{
    change_report, healthy_snapshot, now, observe_running, parse_spec, plan_spec,
};
use k8s_openapi::jiff::SignedDuration;
use maquette::{
    api::{ArchitectureStatus, Shape},
    evolve::evolve,
    observe::{ActiveEvolution, RunningTopology, Snapshot},
    plan::Topology,
};
use maquette_contract::{Probe, Revision};
use std::sync::Arc;

const BEFORE: &str = "shape: ThreeTier\nthreeTier: {business: {replicas: 2}}";
const AFTER: &str = "shape: PeerToPeer";

fn topology_of(text: &str) -> Topology {
    plan_spec(&parse_spec(text))
}

fn ready_status() -> ArchitectureStatus {
    let topology = topology_of(BEFORE);
    let running = observe_running(&healthy_snapshot(&topology));
    let status = Inputs::of(&topology).status(&running, None, now());
    assert_condition(&status, "Ready", ("True", "AllWorks"), "");
    status
}

/// The inputs of the step from `running` to `wanted`, as the reconciler makes them.
fn step_inputs(wanted: &Topology, to: Shape, running: &RunningTopology) -> Inputs {
    let evolution = evolve(wanted, running, now());
    let mut inputs = Inputs::of(&evolution.apply);
    inputs.target.evolution = evolution.step.map(|step| ActiveEvolution { to, step });
    inputs.target.waits = evolution.waits.iter().map(ToString::to_string).collect();
    inputs
}

/// The status of the change to the peers, which have not started, after a change of the cluster.
fn expanding(
    previous: &ArchitectureStatus,
    change: impl FnOnce(&mut Snapshot),
) -> ArchitectureStatus {
    let mut snapshot = healthy_snapshot(&topology_of(BEFORE));
    change(&mut snapshot);
    let running = observe_running(&snapshot);
    step_inputs(&topology_of(AFTER), Shape::PeerToPeer, &running).status(
        &running,
        Some(previous),
        now(),
    )
}

#[test]
fn a_change_of_pods_that_only_waits_for_a_slot_leaves_the_model_ready() {
    let topology = topology_of(BEFORE);
    let mut inputs = Inputs::of(&topology);
    inputs.target.slot_wait = Some("new pods of data wait for a slot".to_owned());
    let running = observe_running(&healthy_snapshot(&topology));
    let status = inputs.status(&running, Some(&ready_status()), now());
    assert_condition(&status, "Ready", ("True", "AllWorks"), "");
    assert_condition(&status, "Progressing", ("True", "Evolving"), "wait for a slot");
}

#[test]
fn new_components_that_are_not_ready_are_no_fault() {
    let status = expanding(&ready_status(), |_| {});
    assert_condition(&status, "Ready", ("False", "Evolving"), "waiting for peers");
    assert_condition(&status, "Progressing", ("True", "Evolving"), "waiting for peers");
    assert!(status.edges.iter().any(|edge| edge.from == "peers"), "{:?}", status.edges);
    assert_eq!(status.components_ready.as_deref(), Some("4/5"));
}

#[test]
fn a_new_component_that_is_stuck_is_reported_and_the_model_serves() {
    let previous = ready_status();
    let mut snapshot = healthy_snapshot(&topology_of(BEFORE));
    let running = observe_running(&snapshot);
    let inputs = step_inputs(&topology_of(AFTER), Shape::PeerToPeer, &running);
    let peers = healthy_snapshot(&topology_of(AFTER));
    snapshot.stateful_sets.extend(peers.stateful_sets);
    snapshot.config_maps.extend(peers.config_maps);
    snapshot.pods.extend(peers.pods);
    crate::progress::break_image_of(&mut snapshot, "shop-peers-0");
    let status = inputs.status(&observe_running(&snapshot), Some(&previous), now());
    let part = "pod shop-peers-0: image a/b:c cannot be pulled";
    assert_condition(&status, "Ready", ("False", "ComponentsNotReady"), part);
    assert_condition(&status, "Stalled", ("True", "PodsNotReady"), part);
    let still_serves = format!("{part}; the running model still serves");
    assert_condition(&status, "Progressing", ("False", "PodsNotReady"), &still_serves);
}

#[test]
fn what_served_and_breaks_during_a_change_is_reported() {
    let healthy = expanding(&ready_status(), |_| {});
    for previous in [ready_status(), healthy] {
        let status = expanding(&previous, stop_store);
        let part = "data: 0 of 1 pods are ready";
        assert_condition(&status, "Ready", ("False", "ComponentsNotReady"), part);
        let still = expanding(&status, stop_store);
        assert_condition(&still, "Ready", ("False", "ComponentsNotReady"), part);
        let status = expanding(&previous, fail_edge);
        assert_condition(&status, "Ready", ("False", "EdgesFailing"), "business -> data");
        assert_condition(&status, "Progressing", ("True", "Evolving"), "waiting for peers");
        let still = expanding(&status, fail_edge);
        assert_condition(&still, "Ready", ("False", "EdgesFailing"), "business -> data");
        let silent = expanding(&previous, |snapshot| {
            let old = SignedDuration::from_secs(31);
            change_report(snapshot, "shop-data-0", |received, _| *received -= old);
        });
        assert_condition(&silent, "Ready", ("False", "ComponentsNotReady"), "did not report");
        let refused = expanding(&previous, |snapshot| {
            change_report(snapshot, "shop-client-0", |_, report| report.served.failures = 1);
        });
        assert_condition(&refused, "Ready", ("False", "RequestsFailing"), "");
    }
}

fn stop_store(snapshot: &mut Snapshot) {
    make_not_ready(snapshot, "shop-data-0");
    let set = Arc::make_mut(&mut snapshot.stateful_sets[0]);
    set.status.as_mut().unwrap().available_replicas = Some(0);
}

fn fail_edge(snapshot: &mut Snapshot) {
    change_report(snapshot, "shop-business-0", |_, report| {
        report.edges[0].probe = Probe::Fails { message: "connection refused".to_owned() };
    });
}

/// The status while the shape stays and the pods or settings of components change.
fn same_shape(
    previous: Option<&ArchitectureStatus>,
    change: impl FnOnce(&mut Snapshot, &mut Inputs),
) -> ArchitectureStatus {
    let topology = topology_of(BEFORE);
    let mut snapshot = healthy_snapshot(&topology);
    let mut inputs = Inputs::of(&topology);
    change(&mut snapshot, &mut inputs);
    inputs.status(&observe_running(&snapshot), previous, now())
}

#[test]
fn new_settings_and_pods_of_a_model_that_works_are_no_fault() {
    let written = |_: &mut Snapshot, inputs: &mut Inputs| {
        inputs.outcome.changing.insert("data".parse().unwrap());
    };
    let evolving = same_shape(Some(&ready_status()), written);
    assert_condition(&evolving, "Ready", ("False", "Evolving"), "data: its change has not reached");
    assert_condition(&evolving, "Progressing", ("True", "Evolving"), "data: its change");
    // The settings arrive pod by pod.
    let stale = same_shape(Some(&evolving), |snapshot, _| {
        change_report(snapshot, "shop-business-1", |_, report| {
            report.revision = Revision::of_bytes(b"old");
        });
    });
    assert_condition(&stale, "Ready", ("False", "Evolving"), "an older configuration");
    let not_reported = same_shape(Some(&stale), |snapshot, _| {
        snapshot.reports.get_mut("uid-of-shop-data-0").unwrap().latest = None;
    });
    assert_condition(&not_reported, "Ready", ("False", "Evolving"), "data: ");
    // The only pod of the store is replaced.
    let rolling = |snapshot: &mut Snapshot, _: &mut Inputs| {
        let set = Arc::make_mut(&mut snapshot.stateful_sets[0]);
        let status = set.status.as_mut().unwrap();
        status.current_revision = Some("1".to_owned());
        status.update_revision = Some("2".to_owned());
        stop_store(snapshot);
        fail_edge(snapshot);
    };
    let status = same_shape(Some(&ready_status()), rolling);
    assert_condition(&status, "Ready", ("False", "Evolving"), "data: 0 of 1 pods are ready");
    let done = same_shape(Some(&status), |_, _| {});
    assert_condition(&done, "Ready", ("True", "AllWorks"), "");
    // A model that did not work before.
    let broken = same_shape(None, |snapshot, _| stop_store(snapshot));
    let status = same_shape(Some(&broken), written);
    assert_condition(&status, "Ready", ("False", "ComponentsNotReady"), "data: its change");
}

#[test]
fn a_pod_that_is_lost_without_a_change_is_a_fault() {
    let previous = ready_status();
    let lose = |snapshot: &mut Snapshot, _: &mut Inputs| {
        snapshot.pods.retain(|pod| pod.metadata.name.as_deref() != Some("shop-business-1"));
        let status = Arc::make_mut(&mut snapshot.deployments[0]).status.as_mut().unwrap();
        (status.replicas, status.updated_replicas) = (Some(1), Some(1));
        status.available_replicas = Some(1);
    };
    let status = same_shape(Some(&previous), lose);
    let part = "business: 1 of 2 pods are ready";
    assert_condition(&status, "Ready", ("False", "ComponentsNotReady"), part);
}

#[test]
fn more_pods_are_a_change_until_all_are_ready() {
    // The Deployment has the new number, one pod of two is new and starts.
    let started = same_shape(Some(&ready_status()), |snapshot, _| {
        Arc::make_mut(&mut snapshot.deployments[0]).metadata.generation = Some(2);
    });
    assert_condition(&started, "Ready", ("False", "Evolving"), "business");
    let starting = |snapshot: &mut Snapshot, _: &mut Inputs| {
        make_not_ready(snapshot, "shop-business-1");
        snapshot.reports.get_mut("uid-of-shop-business-1").unwrap().latest = None;
        let status = Arc::make_mut(&mut snapshot.deployments[0]).status.as_mut().unwrap();
        status.available_replicas = Some(1);
    };
    let status = same_shape(Some(&started), starting);
    assert_condition(&status, "Ready", ("False", "Evolving"), "business: 1 of 2 pods are ready");
    let status = same_shape(Some(&ready_status()), starting);
    assert_condition(&status, "Ready", ("False", "ComponentsNotReady"), "business: 1 of 2");
}
