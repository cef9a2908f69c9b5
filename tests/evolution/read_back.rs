//! Rendered objects are read back as they were planned: no other state needs to be stored.

use crate::{
    cluster::{healthy_snapshot, observe_running, plan_spec},
    specs::valid,
};
use k8s_openapi::{api::core::v1::Pod, apimachinery::pkg::apis::meta::v1::OwnerReference};
use maquette::{
    observe::{
        Availability, VolumeNote, component_availability, kept_volume_sizes, refused_volume_changes,
    },
    plan::{Component, Topology},
};
use maquette_contract::keys::CONFIG_FILE;
use proptest::prelude::*;
use std::sync::Arc;

proptest! {
    #[test]
    fn a_healthy_cluster_is_read_back_as_planned(spec in valid()) {
        let topology = plan_spec(&spec);
        let running = observe_running(&healthy_snapshot(&topology));
        prop_assert_eq!(running.entry(), Some(topology.entry()));
        let found: Vec<&Component> = running.planned_components().collect();
        let wanted: Vec<&Component> = topology.components().collect();
        prop_assert_eq!(found, wanted);
        for component in topology.components() {
            let found = running.component(&component.name);
            let now = crate::cluster::now();
            let availability = component_availability(component, found, false, now);
            prop_assert_eq!(availability, Availability::Available);
        }
    }
}

#[test]
fn the_plan_of_a_component_without_its_config_map_is_unknown() {
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
fn settings_that_another_client_damaged_are_restored() {
    let unknown_role =
        r#"{"schemaVersion": 1, "architecture": "shop", "component": "data", "role": "x"}"#;
    for text in ["{", "", "[]", r#"{"component": 5}"#, unknown_role] {
        let mut snapshot = healthy_snapshot(&shop_topology());
        for config_map in &mut snapshot.config_maps {
            let data = Arc::make_mut(config_map).data.as_mut().unwrap();
            data.insert(CONFIG_FILE.to_owned(), text.to_owned());
        }
        let running = observe_running(&snapshot);
        assert_eq!(running.unreadable_settings(), [""; 0], "{text}");
    }
}

#[test]
fn settings_of_another_version_are_named_and_not_absent() {
    let newer = r#"{"schemaVersion": 2, "role": "ring"}"#;
    let older = r#"{"schemaVersion": 0, "role": "store"}"#;
    for (text, reason) in [(newer, "its schemaVersion is 2"), (older, "its schemaVersion is 0")] {
        let mut snapshot = healthy_snapshot(&shop_topology());
        let config_map = snapshot
            .config_maps
            .iter_mut()
            .find(|config_map| config_map.metadata.name.as_deref() == Some("shop-data"))
            .unwrap();
        let data = Arc::make_mut(config_map).data.as_mut().unwrap();
        data.insert(CONFIG_FILE.to_owned(), text.to_owned());
        let running = observe_running(&snapshot);
        let [problem] = running.unreadable_settings() else { panic!("{running:?}") };
        let expected = format!("ConfigMap shop-data: {CONFIG_FILE}: {reason}");
        assert!(problem.starts_with(&expected), "{problem}");
    }
    let running = observe_running(&healthy_snapshot(&shop_topology()));
    assert_eq!(running.unreadable_settings(), [""; 0]);
}

#[test]
fn peers_without_their_stateful_set_are_read_back_from_pods() {
    let topology = plan_spec(&crate::cluster::parse_spec("shape: PeerToPeer"));
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
    // A pod that is missing does not change the number of replicas.
    snapshot.pods.retain(|pod| pod.metadata.name.as_deref() != Some("shop-peers-1"));
    let running = observe_running(&snapshot);
    assert_eq!(running.component(&peers).unwrap().planned.as_ref(), topology.component(&peers));
    assert_eq!(running.component(&peers).unwrap().workload, None);
    // Pods that are deleted with their StatefulSet are not a component.
    let owner = OwnerReference { controller: Some(true), ..OwnerReference::default() };
    for pod in snapshot.pods.iter_mut().filter(of_peers) {
        Arc::make_mut(pod).metadata.owner_references = Some(vec![owner.clone()]);
    }
    assert_eq!(observe_running(&snapshot).component(&peers).unwrap().planned, None);
}

#[test]
fn a_larger_volume_that_another_shape_left_refuses_no_specification() {
    let plan_text = |text| plan_spec(&crate::cluster::parse_spec(text));
    let large = plan_text("{shape: ThreeTier, threeTier: {data: {storage: {size: 2Gi}}}}");
    let running = observe_running(&healthy_snapshot(&large));
    let wanted = plan_text("{shape: ClientServer}");
    assert_eq!(refused_volume_changes(&wanted, &running), [""; 0]);
    let note = "the volume of data stays at 2Gi, although 1Gi is specified: a volume cannot shrink";
    assert_eq!(kept_volume_sizes(&wanted, &running), [VolumeNote::Unchanged(note.to_owned())]);
    assert_eq!(kept_volume_sizes(&large, &running), []);
}

fn shop_topology() -> Topology {
    plan_spec(&crate::cluster::parse_spec("shape: ThreeTier"))
}
