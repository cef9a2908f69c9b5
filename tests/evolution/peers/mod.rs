//! Surplus peers are removed one at a time, and none that is still needed.

mod member_history;
mod upgrade;

use crate::cluster::{
    change_report, healthy_snapshot, now, observe_running, parse_spec, plan_spec,
};
use maquette::{
    evolve::{Evolution, Step, evolve},
    observe::Snapshot,
    plan::{Behavior, Component, Topology},
};
use std::sync::Arc;

/// A peer-to-peer model with `replicas` peers.
fn peers_topology(replicas: u32) -> Topology {
    plan_spec(&parse_spec(&format!("shape: PeerToPeer\npeerToPeer: {{replicas: {replicas}}}")))
}

/// The number of peers that run, and of those that are members.
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

/// `snapshot`, in which only the first `up` peers ever became ready.
fn only_first_peers(up: u32, mut snapshot: Snapshot) -> Snapshot {
    let is_up = |name: &str| {
        let ordinal = name.strip_prefix("shop-peers-").and_then(|end| end.parse::<u32>().ok());
        ordinal.is_none_or(|ordinal| ordinal < up)
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

/// The steps to `wanted` if only `up` peers ever become ready. Panics if the change never ends.
fn steps_to_end(mut running: Topology, wanted: &Topology, up: u32) -> Vec<Step> {
    let mut steps = vec![];
    for _ in 0..120 {
        let next = evolve_snapshot(wanted, &only_first_peers(up, healthy_snapshot(&running)));
        if next.step.is_none() {
            assert_reached(&next.apply, wanted);
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

/// Checks that `applied` is `wanted`, with peers that know that they began with other members.
fn assert_reached(applied: &Topology, wanted: &Topology) {
    let name = "peers".parse().unwrap();
    let mut peers = applied.component(&name).unwrap().clone();
    let Behavior::Peer(peer) = &mut peers.behavior else { panic!("{peers:?}") };
    assert!(std::mem::take(&mut peer.members_changed));
    assert_eq!(&peers, wanted.component(&name).unwrap());
}

#[test]
fn surplus_peers_are_removed_one_by_one() {
    let wanted = peers_topology(3);
    // The members are reduced to three, and all five still run.
    let configured = evolve_snapshot(&wanted, &healthy_snapshot(&peers_topology(5)));
    assert_eq!(peer_counts(&configured.apply), (5, 3));
    // While any peer still copies items, none is removed.
    let mut snapshot = healthy_snapshot(&configured.apply);
    change_report(&mut snapshot, "shop-peers-0", |_, report| {
        report.peer.as_mut().unwrap().under_replicated = 1;
    });
    let waits = evolve_snapshot(&wanted, &snapshot);
    assert_eq!(peer_counts(&waits.apply), (5, 3));
    assert!(waits.waits[0].to_string().contains("shop-peers-0 still copies items"));
    // Then they are removed one by one, each when the remaining ones are fully replicated.
    let first = evolve_snapshot(&wanted, &healthy_snapshot(&configured.apply));
    assert_eq!(peer_counts(&first.apply), (4, 3));
    assert!(!first.waits.is_empty());
    let second = evolve_snapshot(&wanted, &healthy_snapshot(&first.apply));
    assert_eq!(peer_counts(&second.apply), (3, 3));
    let done = evolve_snapshot(&wanted, &healthy_snapshot(&second.apply));
    assert_reached(&done.apply, &wanted);
    assert_eq!(done.waits, []);
}

#[test]
fn no_peer_is_removed_while_one_does_not_report() {
    let configured = evolve_snapshot(&peers_topology(3), &healthy_snapshot(&peers_topology(5)));
    let mut snapshot = healthy_snapshot(&configured.apply);
    snapshot.reports.remove("uid-of-shop-peers-1");
    let waits = evolve_snapshot(&peers_topology(3), &snapshot);
    assert_eq!(waits.apply, configured.apply);
    assert!(waits.waits[0].to_string().contains("the next report of pod shop-peers-1 is pending"));
}

#[test]
fn peers_that_cannot_be_scheduled_do_not_block_a_smaller_number() {
    let before = plan_spec(&parse_spec("shape: ThreeTier"));
    let expanded = evolve_snapshot(&peers_topology(50), &healthy_snapshot(&before)).apply;
    let stuck =
        evolve_snapshot(&peers_topology(50), &only_first_peers(5, healthy_snapshot(&expanded)));
    assert_eq!((stuck.step, &stuck.apply), (Some(Step::Expand), &expanded));
    assert_eq!(steps_to_end(expanded, &peers_topology(3), 5), Step::ALL);
    // The same where peers already serve.
    assert_eq!(steps_to_end(peers_topology(50), &peers_topology(3), 5), [Step::Contract]);
}
