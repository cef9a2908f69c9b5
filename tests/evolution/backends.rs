//! Where items are, whatever becomes of what runs while they move: nobody forgets them.

use crate::cluster::{healthy_snapshot, now, observe_running, plan_spec, spec};
use k8s_openapi::{
    api::core::v1::{ConfigMap, PersistentVolumeClaim},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use maquette::{
    evolve::{Blocker, Evolution, Step, evolve},
    observe::Snapshot,
    plan::{Behavior, PeerBehavior, ServiceBehavior, Topology},
};
use maquette_contract::keys::{ANNOTATION_USED_BY, LABEL_COMPONENT};
use std::{collections::BTreeSet, sync::Arc};

fn peer_topology() -> Topology {
    plan_spec(&spec("shape: PeerToPeer"))
}

/// A three-tier on its way to [`peers`]: what is new works, and takes over what `data` has.
fn expanded_snapshot() -> Snapshot {
    let before = plan_spec(&spec("shape: ThreeTier"));
    let raise = evolve(&peer_topology(), &observe_running(&healthy_snapshot(&before)), now());
    assert_eq!(raise.step, Some(Step::Expand));
    healthy_snapshot(&raise.apply)
}

fn without_settings(mut snapshot: Snapshot, component: &str) -> Snapshot {
    let name = Some(format!("shop-{component}"));
    snapshot.config_maps.retain(|settings| settings.metadata.name != name);
    snapshot
}

/// Nothing is left of the component but what its pods may still do.
fn without_component(snapshot: Snapshot, component: &str) -> Snapshot {
    let mut snapshot = without_settings(snapshot, component);
    let name = Some(format!("shop-{component}"));
    snapshot.deployments.retain(|workload| workload.metadata.name != name);
    snapshot.stateful_sets.retain(|workload| workload.metadata.name != name);
    snapshot
}

/// The claim of the store `data`, which the Architecture of this UID used.
fn claim(user: &str) -> Arc<PersistentVolumeClaim> {
    let labels = [(LABEL_COMPONENT.to_owned(), "data".to_owned())].into();
    let annotations = [(ANNOTATION_USED_BY.to_owned(), user.to_owned())].into();
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

/// The components that take over what `data` has.
fn migrating_components(topology: &Topology) -> BTreeSet<&str> {
    let takes = |task: &Behavior| match task {
        Behavior::Service(ServiceBehavior { migration_sources: origins, .. })
        | Behavior::Peer(PeerBehavior { migration_sources: origins, .. }) => {
            origins.iter().any(|origin| origin.component.as_str() == "data")
        }
        Behavior::Store(_) | Behavior::Load(_) => false,
    };
    topology
        .components()
        .filter(|component| takes(&component.behavior))
        .map(|component| component.name.as_str())
        .collect()
}

#[test]
fn a_home_that_is_gone_holds_the_change_and_everything_stays() {
    let mut snapshot = without_component(expanded_snapshot(), "data");
    snapshot.claims = vec![claim("the-uid")];
    let Evolution { apply, step, blockers: cannot, .. } = evolve_to_peers(&snapshot);
    assert_eq!(cannot, [Blocker::PartDeleted { component: "data".parse().unwrap() }]);
    assert_eq!(step, None);
    assert!(!migrating_components(&apply).is_empty());
    let message = cannot[0].to_string();
    assert!(message.contains("go back to the specification with data"), "{message}");
}

#[test]
fn a_home_that_never_had_a_volume_of_this_architecture_holds_nothing() {
    for claims in [vec![], vec![claim("an-earlier-uid")]] {
        let mut snapshot = without_component(expanded_snapshot(), "data");
        snapshot.claims = claims;
        let evolution = evolve_to_peers(&snapshot);
        assert_eq!(evolution.blockers, []);
        assert_eq!(migrating_components(&evolution.apply), BTreeSet::new());
    }
}

#[test]
fn going_back_makes_it_anew() {
    let mut snapshot = without_settings(expanded_snapshot(), "data");
    snapshot.claims = vec![claim("the-uid")];
    let before = plan_spec(&spec("shape: ThreeTier"));
    let Evolution { apply, blockers: cannot, .. } =
        evolve(&before, &observe_running(&snapshot), now());
    assert_eq!(cannot, []);
    assert_eq!(
        apply.component(&"data".parse().unwrap()),
        before.component(&"data".parse().unwrap())
    );
}

#[test]
fn items_are_taken_over_although_a_part_of_the_way_to_them_is_gone() {
    let whole = evolve_to_peers(&expanded_snapshot());
    let expected = migrating_components(&whole.apply);
    assert_eq!(expected, ["peers"].into());
    for gone in ["client", "business"] {
        let evolution = evolve_to_peers(&without_component(expanded_snapshot(), gone));
        assert_eq!(evolution.blockers, []);
        assert_eq!(migrating_components(&evolution.apply), expected, "without {gone}");
    }
}

#[test]
fn deployments_without_settings_hold_the_change_although_the_operator_never_saw_them() {
    let mut snapshot = expanded_snapshot();
    snapshot.config_maps.clear();
    let Evolution { apply, blockers: cannot, .. } = evolve_to_peers(&snapshot);
    let lost = |component: &str| Blocker::PartDeleted { component: component.parse().unwrap() };
    assert_eq!(cannot, [lost("business"), lost("client"), lost("data")]);
    assert_eq!(apply.components().count(), 0, "nothing is changed");
}

/// The operator died when one of two clients was told to ask only the new store: what that writes is
/// there alone.
#[test]
fn a_home_that_one_owner_asks_alone_has_everything() {
    let clients = plan_spec(&spec(
        "shape: ClientServer\nclientServer: {clients: [{name: web}, {name: reports}]}",
    ));
    let n_tier = plan_spec(&spec("shape: NTier"));
    let mut runs = n_tier.clone();
    let last = |topology: &Topology| {
        let reports = topology.component(&"reports".parse().unwrap());
        matches!(reports.map(|component| &component.behavior), Some(Behavior::Service(task))
            if !task.migration_sources.is_empty() && task.migration_sources.iter().all(|origin| origin.final_pass))
    };
    while !last(&runs) {
        runs = evolve(&clients, &observe_running(&healthy_snapshot(&runs)), now()).apply;
    }
    let reports =
        |settings: &&Arc<ConfigMap>| settings.metadata.name.as_deref() == Some("shop-reports");
    let mut snapshot = without_settings(healthy_snapshot(&runs), "reports");
    snapshot
        .config_maps
        .extend(healthy_snapshot(&clients).config_maps.iter().find(reports).cloned());
    let back = evolve(&n_tier, &observe_running(&snapshot), now());
    assert_eq!(migrating_components(&back.apply), ["orders"].into());
}
