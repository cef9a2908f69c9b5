//! An upgrade of the operator during a change that starts from peers: their pods are of an earlier
//! version until the change has ended.

use crate::cluster::{healthy_snapshot, now, observe_running, parse_spec, plan_spec};
use maquette::{
    evolve::{Evolution, evolve},
    observe::Snapshot,
    plan::Topology,
    render::{RenderSettings, render},
};
use maquette_contract::{ComponentConfig, RoleConfig, keys::CONFIG_FILE, ports};
use std::{collections::BTreeSet, sync::Arc};

fn topology(spec: &str) -> Topology {
    plan_spec(&parse_spec(spec))
}

/// A cluster in which `running` works, with peers that serve their items on the port of requests.
fn snapshot_of_earlier_peers(running: &Topology) -> Snapshot {
    let mut snapshot = healthy_snapshot(running);
    for set in &mut snapshot.stateful_sets {
        let pod = Arc::make_mut(set).spec.as_mut().unwrap().template.spec.as_mut().unwrap();
        for container in &mut pod.containers {
            let ports = container.ports.iter_mut();
            ports.for_each(|all| all.retain(|port| port.name.as_deref() != Some("internal")));
        }
    }
    snapshot
}

/// The addresses of all migration sources in the settings of `topology`.
fn source_addresses(topology: &Topology) -> BTreeSet<String> {
    let objects = render(topology, &RenderSettings::default()).into_objects();
    let texts = objects.config_maps.into_iter().map(|one| one.data.unwrap()[CONFIG_FILE].clone());
    let configs = texts.map(|text| ComponentConfig::from_json(&text).unwrap());
    let sources = configs.flat_map(|config| match config.role {
        RoleConfig::Service(service) => service.migration_sources,
        RoleConfig::Peer(peer) => peer.migration_sources,
        RoleConfig::Store(_) | RoleConfig::Load(_) => vec![],
    });
    sources.map(|source| source.address.0).collect()
}

/// Goes on to `wanted` while pods are as `snapshot_of` says. Returns the topologies on the way.
fn change(
    from: Topology,
    wanted: &Topology,
    snapshot_of: fn(&Topology) -> Snapshot,
    stages: usize,
) -> Vec<Topology> {
    let mut applied = vec![from];
    for _ in 0..stages {
        let running = observe_running(&snapshot_of(&applied[applied.len() - 1]));
        let Evolution { apply, step, waits, blockers, .. } = evolve(wanted, &running, now());
        assert_eq!(blockers, []);
        applied.push(apply);
        if step.is_none() && waits.is_empty() {
            break;
        }
    }
    applied
}

#[test]
fn settings_name_the_port_on_which_the_pods_of_a_migration_source_serve() {
    let (peers, tiers) = (topology("shape: PeerToPeer"), topology("shape: ThreeTier"));
    for (snapshot_of, port) in [
        (snapshot_of_earlier_peers as fn(&Topology) -> Snapshot, ports::TRAFFIC),
        (healthy_snapshot, ports::INTERNAL),
    ] {
        let expected: BTreeSet<_> = [format!("shop-peers.default.svc:{}", port.number)].into();
        let all = change(peers.clone(), &tiers, snapshot_of, 60);
        let with_sources = all.iter().map(source_addresses).filter(|found| !found.is_empty());
        let with_sources: Vec<_> = with_sources.collect();
        assert!(with_sources.len() > 1, "the items are copied");
        assert!(with_sources.iter().all(|found| *found == expected), "{with_sources:?}");
        let end = all.last().unwrap();
        assert!(end.components().eq(tiers.components()), "it ends");

        // Changed back at any point: the peers are wanted again, and their pods are as before.
        for stages in 1..all.len() {
            let halfway = change(peers.clone(), &tiers, snapshot_of, stages).pop().unwrap();
            for topology in change(halfway, &peers, snapshot_of, 60) {
                let mut found = source_addresses(&topology).into_iter();
                found.by_ref().filter(|address| address.starts_with("shop-peers.")).for_each(
                    |address| assert!(expected.contains(&address), "{stages}: {address}"),
                );
            }
        }
    }
}
