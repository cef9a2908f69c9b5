//! The components and edges of each shape, by default.

#![cfg(test)]

use maquette::api::{ArchitectureSpec, Shape};
use maquette::plan::{Behavior, Identity, Topology, plan};
use std::collections::BTreeSet;

fn planned(shape: Shape) -> Topology {
    let identity = Identity {
        name: "shop".parse().unwrap(),
        namespace: "default".to_owned(),
        uid: String::new(),
    };
    let spec = ArchitectureSpec::minimal(shape).validate("shop").unwrap();
    plan(&spec, identity).unwrap()
}

fn edges(topology: &Topology) -> BTreeSet<String> {
    let edges = topology.edges();
    edges.iter().map(|edge| format!("{} {:?} {}", edge.from, edge.kind, edge.to)).collect()
}

fn set(lines: &[&str]) -> BTreeSet<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

#[test]
fn in_client_server_the_client_queries_the_data_itself() {
    let topology = planned(Shape::ClientServer);
    assert_eq!(topology.entry().as_str(), "client");
    assert_eq!(edges(&topology), set(&["client Queries data", "load Drives client"]));
}

#[test]
fn in_three_tier_the_client_has_no_edge_to_the_data() {
    let topology = planned(Shape::ThreeTier);
    let expected = ["client Calls business", "business Queries data", "load Drives client"];
    assert_eq!(edges(&topology), set(&expected));
}

#[test]
fn in_n_tier_each_service_queries_its_own_store_only() {
    let topology = planned(Shape::NTier);
    let expected = [
        "client Calls storefront",
        "storefront Calls orders",
        "storefront Calls catalog",
        "orders Calls catalog",
        "orders Queries orders-data",
        "catalog Queries data",
        "load Drives client",
    ];
    assert_eq!(edges(&topology), set(&expected));
}

#[test]
fn peers_are_one_component() {
    let topology = planned(Shape::PeerToPeer);
    assert_eq!(edges(&topology), set(&["peers Peers peers", "load Drives peers"]));
    let Behavior::Peer(behavior) = &topology.component(topology.entry()).unwrap().behavior else {
        panic!()
    };
    assert_eq!((behavior.members, behavior.replication_factor), (3, 3));
}

#[test]
fn a_stateless_service_without_calls_does_not_make_the_entry_ambiguous() {
    let text = "{shape: NTier, nTier: {services: [{name: front, calls: [{service: orders}]}, \
                {name: orders}, {name: idle, stateless: true}]}}";
    let spec: ArchitectureSpec = serde_norway::from_str(text).unwrap();
    let identity = Identity {
        name: "shop".parse().unwrap(),
        namespace: "default".to_owned(),
        uid: String::new(),
    };
    let topology = plan(&spec.validate("shop").unwrap(), identity).unwrap();
    assert!(edges(&topology).contains("client Calls front"), "{:?}", edges(&topology));
}
