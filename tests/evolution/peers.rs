//! Peers leave one at a time, and none that is still needed.

use crate::cluster::{change_report, healthy_snapshot, now, observe_running, plan_spec, spec};
use maquette::{
    evolve::{Evolution, Step, evolve},
    observe::Snapshot,
    plan::{Behavior, Component, Topology},
};
use std::sync::Arc;

/// A peer-to-peer model of so many peers.
fn peers_topology(replicas: u32) -> Topology {
    plan_spec(&spec(&format!("shape: PeerToPeer\npeerToPeer: {{replicas: {replicas}}}")))
}

/// How many peers run, and how many of them are members.
fn peer_counts(topology: &Topology) -> (u32, u32) {
    let component: &Component = topology.component(&"peers".parse().unwrap()).unwrap();
    match &component.behavior {
        Behavior::Peer(peer) => (component.replicas, peer.members),
        other => panic!("{other:?}"),
    }
}

fn evolve_snapshot(wanted: &Topology, snapshot: &Snapshot) -> Evolution {
    evolve(wanted, &observe_running(snapshot), now())
}

/// Only the first `up` peers ever came up.
fn only_first_peers(up: u32, mut snapshot: Snapshot) -> Snapshot {
    let is_up = |name: &str| {
        let number = name.strip_prefix("shop-peers-").and_then(|number| number.parse::<u32>().ok());
        number.is_none_or(|number| number < up)
    };
    for pod in &mut snapshot.pods {
        if !is_up(pod.metadata.name.as_deref().unwrap()) {
            Arc::make_mut(pod).status = None;
        }
    }
    snapshot.reports.retain(|uid, _| is_up(uid.strip_prefix("uid-of-").unwrap()));
    for set in &mut snapshot.stateful_sets {
        if set.metadata.name.as_deref() == Some("shop-peers") {
            let status = Arc::make_mut(set).status.as_mut().unwrap();
            status.available_replicas = Some(status.replicas.min(i32::try_from(up).unwrap()));
        }
    }
    snapshot
}

/// The change to `wanted` ends although only `up` peers ever come up.
fn steps_to_end(mut running: Topology, wanted: &Topology, up: u32) -> Vec<Step> {
    let mut steps = vec![];
    for _ in 0..120 {
        let next = evolve_snapshot(wanted, &only_first_peers(up, healthy_snapshot(&running)));
        if next.step.is_none() {
            assert_eq!(&next.apply, wanted);
            return steps;
        }
        steps.extend(next.step.filter(|step| steps.last() != Some(step)));
        running = next.apply;
    }
    panic!(
        "it never ends: {:?} {}",
        evolve_snapshot(wanted, &only_first_peers(up, healthy_snapshot(&running))).waits,
        peer_counts(&running).0
    );
}

#[test]
fn peers_leave_one_by_one() {
    let wanted = peers_topology(3);
    // They are told that only three hold items, and all stay.
    let told = evolve_snapshot(&wanted, &healthy_snapshot(&peers_topology(5)));
    assert_eq!(peer_counts(&told.apply), (5, 3));
    // While any still copies, all stay.
    let mut snapshot = healthy_snapshot(&told.apply);
    change_report(&mut snapshot, "shop-peers-0", |_, report| {
        report.peer.as_mut().unwrap().under_replicated = 1;
    });
    let waits = evolve_snapshot(&wanted, &snapshot);
    assert_eq!(peer_counts(&waits.apply), (5, 3));
    assert!(waits.waits[0].to_string().contains("shop-peers-0 still copies items"));
    // Then they go one by one, each when the ones that are left are whole.
    let first = evolve_snapshot(&wanted, &healthy_snapshot(&told.apply));
    assert_eq!(peer_counts(&first.apply), (4, 3));
    assert!(!first.waits.is_empty());
    let second = evolve_snapshot(&wanted, &healthy_snapshot(&first.apply));
    assert_eq!(peer_counts(&second.apply), (3, 3));
    let done = evolve_snapshot(&wanted, &healthy_snapshot(&second.apply));
    assert_eq!((done.apply, done.waits), (wanted, vec![]));
}

#[test]
fn a_peer_that_does_not_report_keeps_all_of_them() {
    let told = evolve_snapshot(&peers_topology(3), &healthy_snapshot(&peers_topology(5)));
    let mut snapshot = healthy_snapshot(&told.apply);
    snapshot.reports.remove("uid-of-shop-peers-1");
    let waits = evolve_snapshot(&peers_topology(3), &snapshot);
    assert_eq!(waits.apply, told.apply);
    assert!(waits.waits[0].to_string().contains("shop-peers-1 has not reported of late"));
}

#[test]
fn new_peers_for_which_there_is_no_room_are_given_up() {
    let before = plan_spec(&spec("shape: ThreeTier"));
    let raised = evolve_snapshot(&peers_topology(50), &healthy_snapshot(&before)).apply;
    let stuck =
        evolve_snapshot(&peers_topology(50), &only_first_peers(5, healthy_snapshot(&raised)));
    assert_eq!((stuck.step, &stuck.apply), (Some(Step::Expand), &raised));
    assert_eq!(steps_to_end(raised, &peers_topology(3), 5), Step::ALL);
    // The same where peers serve already.
    assert_eq!(steps_to_end(peers_topology(50), &peers_topology(3), 5), [Step::Contract]);
}
