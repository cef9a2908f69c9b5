//! Peers leave one at a time, and none that is still needed.

use crate::cluster::{change_report, now, planned, read, spec, works};
use maquette::{
    evolve::{Evolution, Step, evolve},
    observe::Snapshot,
    plan::{Behavior, Component, Topology},
};
use std::sync::Arc;

/// A peer-to-peer model of so many peers.
fn of(replicas: u32) -> Topology {
    planned(&spec(&format!("shape: PeerToPeer\npeerToPeer: {{replicas: {replicas}}}")))
}

/// How many peers run, and how many of them are members.
fn peers(topology: &Topology) -> (u32, u32) {
    let component: &Component = topology.component(&"peers".parse().unwrap()).unwrap();
    match &component.behavior {
        Behavior::Peer(peer) => (component.replicas, peer.members),
        other => panic!("{other:?}"),
    }
}

fn step(wanted: &Topology, snapshot: &Snapshot) -> Evolution {
    evolve(wanted, &read(snapshot), now())
}

/// Only the first `up` peers ever came up.
fn only(up: u32, mut snapshot: Snapshot) -> Snapshot {
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
fn ends(mut running: Topology, wanted: &Topology, up: u32) -> Vec<Step> {
    let mut steps = vec![];
    for _ in 0..120 {
        let next = step(wanted, &only(up, works(&running)));
        if next.step.is_none() {
            assert_eq!(&next.apply, wanted);
            return steps;
        }
        steps.extend(next.step.filter(|step| steps.last() != Some(step)));
        running = next.apply;
    }
    panic!(
        "it never ends: {:?} {}",
        step(wanted, &only(up, works(&running))).waits,
        peers(&running).0
    );
}

#[test]
fn peers_leave_one_by_one() {
    let wanted = of(3);
    // They are told that only three hold items, and all stay.
    let told = step(&wanted, &works(&of(5)));
    assert_eq!(peers(&told.apply), (5, 3));
    // While any still copies, all stay.
    let mut snapshot = works(&told.apply);
    change_report(&mut snapshot, "shop-peers-0", |_, report| {
        report.peer.as_mut().unwrap().under_replicated = 1;
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
    let told = step(&of(3), &works(&of(5)));
    let mut snapshot = works(&told.apply);
    snapshot.reports.remove("uid-of-shop-peers-1");
    let waits = step(&of(3), &snapshot);
    assert_eq!(waits.apply, told.apply);
    assert!(waits.waits[0].to_string().contains("shop-peers-1 has not reported of late"));
}

#[test]
fn new_peers_for_which_there_is_no_room_are_given_up() {
    let before = planned(&spec("shape: ThreeTier"));
    let raised = step(&of(50), &works(&before)).apply;
    let stuck = step(&of(50), &only(5, works(&raised)));
    assert_eq!((stuck.step, &stuck.apply), (Some(Step::Expand), &raised));
    assert_eq!(ends(raised, &of(3), 5), Step::ALL);
    // The same where peers serve already.
    assert_eq!(ends(of(50), &of(3), 5), [Step::Contract]);
}
