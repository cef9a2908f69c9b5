//! What was rendered is read back as it was planned: nothing else needs to be remembered.

use crate::{
    cluster::{healthy_snapshot, observe_running, plan_spec},
    specs::valid,
};
use k8s_openapi::{api::core::v1::Pod, apimachinery::pkg::apis::meta::v1::OwnerReference};
use maquette::{
    observe::{Availability, component_availability},
    plan::{Component, Topology},
};
use proptest::prelude::*;
use std::sync::Arc;

proptest! {
    #[test]
    fn what_runs_is_read_back_as_it_was_planned(spec in valid()) {
        let topology = plan_spec(&spec);
        let running = observe_running(&healthy_snapshot(&topology));
        prop_assert_eq!(running.entry(), Some(topology.entry()));
        let found: Vec<&Component> =
            running.components().filter_map(|(_, found)| found.planned.as_ref()).collect();
        let wanted: Vec<&Component> = topology.components().collect();
        prop_assert_eq!(found, wanted);
        for component in topology.components() {
            let found = running.component(&component.name);
            let now = crate::cluster::now();
            prop_assert_eq!(component_availability(component, found, false, now), Availability::Available);
        }
    }
}

#[test]
fn a_component_without_its_configuration_is_not_guessed() {
    let topology = shop_topology();
    let mut snapshot = healthy_snapshot(&topology);
    snapshot
        .config_maps
        .retain(|config_map| config_map.metadata.name.as_deref() != Some("shop-data"));
    let running = observe_running(&snapshot);
    let data = running.component(&"data".parse().unwrap()).expect("its pod runs");
    assert_eq!(data.planned, None);
    assert_eq!(data.pods.len(), 1);
}

#[test]
fn stores_and_peers_without_their_stateful_set_are_read_back_from_their_pods() {
    let topology = plan_spec(&crate::cluster::spec("shape: PeerToPeer"));
    let mut snapshot = healthy_snapshot(&topology);
    let (set, peers) = (snapshot.stateful_sets.remove(0), "peers".parse().unwrap());
    let spec = set.spec.as_ref().unwrap();
    let mut claim = spec.volume_claim_templates.as_ref().unwrap()[0].clone();
    claim.metadata.name = Some("data-shop-peers-0".to_owned());
    snapshot.claims = vec![Arc::new(claim)];
    let of_peers = |pod: &&mut Arc<Pod>| pod.metadata.name.as_ref().unwrap().contains("-peers-");
    for pod in snapshot.pods.iter_mut().filter(of_peers) {
        Arc::make_mut(pod).spec = spec.template.spec.clone();
    }
    // One that is missing for a moment is one of them all the same.
    snapshot.pods.retain(|pod| pod.metadata.name.as_deref() != Some("shop-peers-1"));
    let running = observe_running(&snapshot);
    assert_eq!(running.component(&peers).unwrap().planned.as_ref(), topology.component(&peers));
    assert_eq!(running.component(&peers).unwrap().workload, None);
    // Those that go with their StatefulSet are no component.
    let owner = OwnerReference { controller: Some(true), ..OwnerReference::default() };
    for pod in snapshot.pods.iter_mut().filter(of_peers) {
        Arc::make_mut(pod).metadata.owner_references = Some(vec![owner.clone()]);
    }
    assert_eq!(observe_running(&snapshot).component(&peers).unwrap().planned, None);
}

fn shop_topology() -> Topology {
    plan_spec(&crate::cluster::spec("shape: ThreeTier"))
}
