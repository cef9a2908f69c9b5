//! The source of truth is found although parts of the model are deleted during a migration.

use crate::cluster::{healthy_snapshot, now, observe_running, parse_spec, plan_spec};
use k8s_openapi::{
    api::core::v1::PersistentVolumeClaim, apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use maquette::{
    evolve::{Blocker, Evolution, Step, evolve},
    observe::Snapshot,
    plan::{Behavior, Component, PlannedSource, Topology},
};
use maquette_contract::keys::{ANNOTATION_USED_BY, LABEL_COMPONENT};
use std::{collections::BTreeSet, sync::Arc};

fn peer_topology() -> Topology {
    plan_spec(&parse_spec("shape: PeerToPeer"))
}

/// A three-tier in Expand to [`peer_topology`]: the peers run and copy the items of `data`.
fn expanded_snapshot() -> Snapshot {
    let before = plan_spec(&parse_spec("shape: ThreeTier"));
    let expand = evolve(&peer_topology(), &observe_running(&healthy_snapshot(&before)), now());
    assert_eq!(expand.step, Some(Step::Expand));
    healthy_snapshot(&expand.apply)
}

fn without_config_map(mut snapshot: Snapshot, component: &str) -> Snapshot {
    let name = Some(format!("shop-{component}"));
    snapshot.config_maps.retain(|config_map| config_map.metadata.name != name);
    snapshot
}

/// All objects of the component are deleted, except its pods.
fn without_component(snapshot: Snapshot, component: &str) -> Snapshot {
    let mut snapshot = without_config_map(snapshot, component);
    let name = Some(format!("shop-{component}"));
    snapshot.deployments.retain(|workload| workload.metadata.name != name);
    snapshot.stateful_sets.retain(|workload| workload.metadata.name != name);
    snapshot
}

/// The claim of the store `data`, last used by the Architecture with this UID.
fn claim_used_by(uid: &str) -> Arc<PersistentVolumeClaim> {
    let labels = [(LABEL_COMPONENT.to_owned(), "data".to_owned())].into();
    let annotations = [(ANNOTATION_USED_BY.to_owned(), uid.to_owned())].into();
    let metadata = ObjectMeta {
        labels: Some(labels),
        annotations: Some(annotations),
        ..ObjectMeta::default()
    };
    Arc::new(PersistentVolumeClaim { metadata, ..PersistentVolumeClaim::default() })
}

fn evolve_to_peers(snapshot: &Snapshot) -> Evolution {
    evolve(&peer_topology(), &observe_running(snapshot), now())
}

/// The components that migrate the items of `data`.
fn migrating_components(topology: &Topology) -> BTreeSet<&str> {
    let migrating = topology.components().filter(|component| {
        migration_sources(component).iter().any(|source| source.component.as_str() == "data")
    });
    migrating.map(|component| component.name.as_str()).collect()
}

fn migration_sources(component: &Component) -> &[PlannedSource] {
    match &component.behavior {
        Behavior::Service(service) => &service.migration_sources,
        Behavior::Peer(peer) => &peer.migration_sources,
        Behavior::Store(_) | Behavior::Load(_) => &[],
    }
}

#[test]
fn a_deleted_source_of_truth_blocks_the_change() {
    let mut snapshot = without_component(expanded_snapshot(), "data");
    snapshot.claims = vec![claim_used_by("the-uid")];
    let Evolution { apply, step, blockers, .. } = evolve_to_peers(&snapshot);
    assert_eq!(blockers, [Blocker::PartDeleted { component: "data".parse().unwrap() }]);
    assert_eq!(step, None);
    assert!(!migrating_components(&apply).is_empty());
    let message = blockers[0].to_string();
    assert!(message.contains("go back to the specification with data"), "{message}");
}

#[test]
fn a_deleted_store_that_never_had_a_volume_does_not_block() {
    for claims in [vec![], vec![claim_used_by("an-earlier-uid")]] {
        let mut snapshot = without_component(expanded_snapshot(), "data");
        snapshot.claims = claims;
        let evolution = evolve_to_peers(&snapshot);
        assert_eq!(evolution.blockers, []);
        assert_eq!(migrating_components(&evolution.apply), BTreeSet::new());
    }
}

#[test]
fn changing_back_recreates_the_source_of_truth() {
    let mut snapshot = without_config_map(expanded_snapshot(), "data");
    snapshot.claims = vec![claim_used_by("the-uid")];
    let before = plan_spec(&parse_spec("shape: ThreeTier"));
    let Evolution { apply, blockers, .. } = evolve(&before, &observe_running(&snapshot), now());
    assert_eq!(blockers, []);
    assert_eq!(
        apply.component(&"data".parse().unwrap()),
        before.component(&"data".parse().unwrap())
    );
}

#[test]
fn items_are_migrated_although_the_route_to_them_is_broken() {
    let complete = evolve_to_peers(&expanded_snapshot());
    let expected = migrating_components(&complete.apply);
    assert_eq!(expected, ["peers"].into());
    for deleted in ["client", "business"] {
        let evolution = evolve_to_peers(&without_component(expanded_snapshot(), deleted));
        assert_eq!(evolution.blockers, []);
        assert_eq!(migrating_components(&evolution.apply), expected, "without {deleted}");
    }
}

#[test]
fn deployments_without_config_maps_block_the_change() {
    let mut snapshot = expanded_snapshot();
    snapshot.config_maps.clear();
    let Evolution { apply, blockers, .. } = evolve_to_peers(&snapshot);
    let deleted = ["business", "client", "data"]
        .map(|name| Blocker::PartDeleted { component: name.parse().unwrap() });
    let sources = vec!["data".parse().unwrap()];
    let lost = Blocker::SettingsLost { component: "peers".parse().unwrap(), sources };
    assert_eq!(blockers, [&deleted[..], &[lost]].concat());
    assert_eq!(apply.components().count(), 0, "nothing is changed");
}

/// A change to [`peer_topology`] after the cutover: only the settings of the peers say that items are in
/// `data`, until the final pass has ended.
fn finalizing_snapshot() -> Snapshot {
    let mut running = plan_spec(&parse_spec("shape: ThreeTier"));
    loop {
        let next = evolve_to_peers(&healthy_snapshot(&running));
        if next.step == Some(Step::Finalize) {
            return healthy_snapshot(&next.apply);
        }
        running = next.apply;
    }
}

#[test]
fn lost_settings_of_an_owner_that_migrates_block_the_change() {
    let snapshot = without_config_map(finalizing_snapshot(), "peers");
    let Evolution { apply, blockers, .. } = evolve_to_peers(&snapshot);
    let peers = "peers".parse().unwrap();
    let sources = vec!["data".parse().unwrap()];
    assert_eq!(blockers, [Blocker::SettingsLost { component: peers, sources }]);
    assert!(apply.component(&"data".parse().unwrap()).is_some());
    let expected = "peers migrates items from data, and its ConfigMap was deleted or damaged: restore \
                    that ConfigMap; or";
    assert!(blockers[0].to_string().starts_with(expected), "{}", blockers[0]);

    // A moment after the start of the operator no pod has reported.
    let mut unreported = snapshot.clone();
    unreported.reports.clear();
    let blockers = evolve_to_peers(&unreported).blockers;
    assert!(blockers[0].to_string().ends_with("whether it migrates items"), "{blockers:?}");

    // Nor does the change go on while no pod is ready.
    let mut unready = snapshot.clone();
    for pod in &mut unready.pods {
        Arc::make_mut(pod).status.as_mut().unwrap().conditions = None;
    }
    assert_eq!(evolve_to_peers(&unready).blockers.len(), 1);

    // Settings of peers that migrate nothing are restored, whatever was reported.
    let settled = without_config_map(healthy_snapshot(&peer_topology()), "peers");
    assert_eq!(evolve_to_peers(&settled).blockers, []);
}

/// The operator stopped when one of two clients was configured to use only the new store: its
/// writes are only there.
#[test]
fn a_backend_that_one_owner_uses_alone_is_the_source_of_truth() {
    let clients = plan_spec(&parse_spec(
        "shape: ClientServer\nclientServer: {clients: [{name: web}, {name: reports}]}",
    ));
    let n_tier = plan_spec(&parse_spec("shape: NTier"));
    let mut running = n_tier.clone();
    while !is_in_final_pass(&running, "reports") {
        running = evolve(&clients, &observe_running(&healthy_snapshot(&running)), now()).apply;
    }
    let mut snapshot = without_config_map(healthy_snapshot(&running), "reports");
    let mut config_maps = healthy_snapshot(&clients).config_maps;
    config_maps.retain(|one| one.metadata.name.as_deref() == Some("shop-reports"));
    snapshot.config_maps.extend(config_maps);
    let back = evolve(&n_tier, &observe_running(&snapshot), now());
    assert_eq!(migrating_components(&back.apply), ["orders"].into());
}

fn is_in_final_pass(topology: &Topology, component: &str) -> bool {
    let sources = topology.component(&component.parse().unwrap()).map(migration_sources);
    sources.is_some_and(|all| !all.is_empty() && all.iter().all(|source| source.final_pass))
}
