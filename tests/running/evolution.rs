//! What runs is led to what is wanted, and nothing goes before what comes in its place works.

use crate::{
    cluster::{change_report, now, planned, read, spec, works},
    specs::valid,
};
use maquette::{
    evolve::{Evolution, Wait, evolve},
    observe::{Running, Snapshot},
    plan::{Node, Task, Topology},
};
use maquette_contract::{NodeName, Role};
use proptest::prelude::*;
use std::{collections::BTreeSet, sync::Arc};

fn names(topology: &Topology) -> BTreeSet<String> {
    topology.nodes().map(|node| node.name.to_string()).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn step(wanted: &Topology, snapshot: &Snapshot) -> Evolution {
    evolve(wanted, &read(snapshot), now())
}

/// The node's pods are not available.
fn down(snapshot: &mut Snapshot, node: &str) {
    let name = Some(format!("shop-{node}"));
    for deployment in &mut snapshot.deployments {
        if deployment.metadata.name == name {
            Arc::make_mut(deployment).status.as_mut().unwrap().available_replicas = Some(0);
        }
    }
    for set in &mut snapshot.stateful_sets {
        if set.metadata.name == name {
            Arc::make_mut(set).status.as_mut().unwrap().available_replicas = Some(0);
        }
    }
}

#[test]
fn a_new_architecture_is_applied_as_it_is_wanted() {
    let wanted = planned(&spec("shape: NTier"));
    let evolution = evolve(&wanted, &Running::default(), now());
    let expected = Evolution { apply: wanted, waits: vec![], serves_wanted: true };
    assert_eq!(evolution, expected);
}

#[test]
fn a_change_that_drops_no_node_is_applied_at_once() {
    let before = planned(&spec("shape: ThreeTier"));
    let wanted = planned(&spec("shape: ThreeTier\nthreeTier: {business: {replicas: 3}}"));
    let evolution = step(&wanted, &works(&before));
    assert_eq!(evolution.apply, wanted);
    assert_eq!(evolution.waits, []);
}

#[test]
fn end_users_who_are_not_wanted_any_more_go_at_once() {
    let before = planned(&spec("shape: ThreeTier"));
    let wanted = planned(&spec("shape: ThreeTier\nload: {requestsPerSecond: 0}"));
    let mut snapshot = works(&before);
    down(&mut snapshot, "data");
    let evolution = step(&wanted, &snapshot);
    assert_eq!(evolution.apply, wanted);
    assert_eq!(evolution.waits, []);
}

#[test]
fn another_shape_comes_up_beside_the_one_that_serves() {
    let before = planned(&spec("shape: ThreeTier"));
    let wanted = planned(&spec("shape: PeerToPeer"));
    let evolution = step(&wanted, &works(&before));
    let all = set(&["client", "business", "data", "load", "peers"]);
    assert_eq!(names(&evolution.apply), all);
    // The old entry, and end users who go on using it.
    assert_eq!(evolution.apply.entry().as_str(), "client");
    let load: NodeName = "load".parse().unwrap();
    assert_eq!(evolution.apply.node(&load), before.node(&load));
    assert!(!evolution.serves_wanted);
    assert!(
        matches!(evolution.waits.as_slice(), [Wait::Available { node, .. }] if node.as_str() == "peers")
    );
}

#[test]
fn when_the_new_shape_is_up_callers_move_and_then_the_old_nodes_go() {
    let before = planned(&spec("shape: ThreeTier"));
    let wanted = planned(&spec("shape: PeerToPeer"));
    let raised = step(&wanted, &works(&before)).apply;
    let moving = step(&wanted, &works(&raised));
    assert_eq!(moving.apply.entry().as_str(), "peers");
    assert_eq!(names(&moving.apply), names(&raised), "the old nodes are still there");
    assert!(moving.serves_wanted);
    let moved = works(&moving.apply);
    // One pod still answers a request that began under its older configuration.
    let mut behind = moved.clone();
    change_report(&mut behind, "shop-load-0", |_, report| report.older_requests = 1);
    let waits = step(&wanted, &behind);
    assert_eq!(waits.waits, [Wait::Moved { node: "load".parse().unwrap() }]);
    assert_eq!(names(&waits.apply), names(&raised));
    let done = step(&wanted, &moved);
    assert_eq!(done.apply, wanted);
    assert_eq!(done.waits, []);
}

#[test]
fn a_new_shape_that_does_not_come_up_leaves_the_old_one_serving() {
    let before = planned(&spec("shape: ThreeTier"));
    let wanted = planned(&spec("shape: NTier"));
    let raised = step(&wanted, &works(&before)).apply;
    let mut snapshot = works(&raised);
    down(&mut snapshot, "orders");
    for _ in 0..3 {
        let evolution = step(&wanted, &snapshot);
        for name in ["client", "business", "data", "load"] {
            let name: NodeName = name.parse().unwrap();
            let (now, then) = (evolution.apply.node(&name), before.node(&name));
            assert_eq!(now.map(|node| &node.task), then.map(|node| &node.task), "{name}");
        }
        assert!(!evolution.waits.is_empty());
        snapshot = works(&evolution.apply);
        down(&mut snapshot, "orders");
    }
    // Turning back is all that it takes.
    let back = step(&before, &snapshot);
    assert_eq!(back.apply.entry(), before.entry());
}

#[test]
fn peers_leave_one_by_one() {
    let of = |replicas| {
        planned(&spec(&format!("shape: PeerToPeer\npeerToPeer: {{replicas: {replicas}}}")))
    };
    let wanted = of(3);
    let peers = |topology: &Topology| -> (u32, u32) {
        let node: &Node = topology.node(&"peers".parse().unwrap()).unwrap();
        match &node.task {
            Task::Peer(peer) => (node.replicas, peer.members),
            other => panic!("{other:?}"),
        }
    };
    // They are told that only three hold items, and all stay.
    let told = step(&wanted, &works(&of(5)));
    assert_eq!(peers(&told.apply), (5, 3));
    // While any still copies, all stay.
    let mut snapshot = works(&told.apply);
    change_report(&mut snapshot, "shop-peers-0", |_, report| {
        report.peer.as_mut().unwrap().not_whole = 1;
    });
    let waits = step(&wanted, &snapshot);
    assert_eq!(peers(&waits.apply), (5, 3));
    assert!(waits.waits[0].to_string().contains("shop-peers-0 still copies items"));
    // Then they go one by one, each when the ones that are left are whole.
    let first = step(&wanted, &works(&told.apply));
    assert_eq!(peers(&first.apply), (4, 3));
    assert!(!first.waits.is_empty());
    let second = step(&wanted, &works(&first.apply));
    assert_eq!(peers(&second.apply), (3, 3));
    let done = step(&wanted, &works(&second.apply));
    assert_eq!((done.apply, done.waits), (wanted, vec![]));
}

#[test]
fn a_peer_that_does_not_report_keeps_all_of_them() {
    let of = |replicas| {
        planned(&spec(&format!("shape: PeerToPeer\npeerToPeer: {{replicas: {replicas}}}")))
    };
    let told = step(&of(3), &works(&of(5)));
    let mut snapshot = works(&told.apply);
    snapshot.reports.remove("uid-of-shop-peers-1");
    let waits = step(&of(3), &snapshot);
    assert_eq!(waits.apply, told.apply);
    assert!(waits.waits[0].to_string().contains("shop-peers-1 has not reported of late"));
}

proptest! {
    #[test]
    fn any_architecture_becomes_any_other(from in valid(), to in valid()) {
        let (before, wanted) = (planned(&from), planned(&to));
        let mut running = before.clone();
        for _ in 0..120 {
            let snapshot = works(&running);
            let Evolution { apply, waits, .. } = step(&wanted, &snapshot);
            let known = read(&snapshot);
            for name in names(&running).difference(&names(&apply)) {
                let name: NodeName = name.parse().unwrap();
                // What goes goes last: everything wanted is there.
                let role = running.node(&name).unwrap().role();
                let all = wanted.nodes().all(|node| known.node(&node.name).is_some());
                prop_assert!(all || role == Role::Load, "{name} goes early");
            }
            prop_assert!(apply.node(apply.entry()).is_some(), "the entry leads nowhere");
            for edge in apply.edges() {
                prop_assert!(apply.node(&edge.to).is_some(), "{edge:?} leads nowhere");
            }
            if waits.is_empty() {
                prop_assert_eq!(apply, wanted);
                return Ok(());
            }
            running = apply;
        }
        prop_assert!(false, "it never ends");
    }
}
