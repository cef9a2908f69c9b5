//! Properties of all plans.

#![cfg(test)]

#[path = "shared/sloppy.rs"]
mod sloppy;
#[path = "shared/specs.rs"]
mod specs;

use maquette::api::{ArchitectureSpec, Shape};
use maquette::plan::{Behavior, Component, EdgeKind, Identity, Topology, plan};
use maquette_contract::{ArchitectureName, Collection, ComponentName, Hop, Role};
use proptest::prelude::*;
use specs::SHAPES;
use std::collections::{BTreeMap, BTreeSet};

const NAME: &str = "a-name-of-twenty-two-c";

fn planned(spec: &ArchitectureSpec) -> Topology {
    let identity = Identity {
        name: NAME.parse().expect("a name"),
        namespace: "default".to_owned(),
        uid: String::new(),
    };
    let valid = spec.validate(NAME).expect("a valid spec");
    plan(&valid, identity).expect("a spec that can be planned")
}

/// The components of the spec, if no two of them have the same name.
fn expected_components(spec: &ArchitectureSpec) -> usize {
    let load = usize::from(spec.load.requests_per_second > 0);
    let components = match spec.shape {
        Shape::ClientServer => 1 + spec.client_server.as_ref().map_or(1, |s| s.clients.len()),
        Shape::ThreeTier => 3,
        Shape::PeerToPeer => 1,
        Shape::NTier => spec.n_tier.as_ref().map_or(6, |shape| {
            let stores = shape.services.iter().filter(|service| !service.stateless).count();
            1 + shape.services.len() + stores
        }),
    };
    components + load
}

/// The collections with an owner, and one more if a service owns the rest.
fn collections(topology: &Topology) -> BTreeSet<Collection> {
    let entry = topology.component(topology.entry()).expect("the entry is a component");
    let Behavior::Service(behavior) = &entry.behavior else { return BTreeSet::new() };
    let rest = behavior
        .routes
        .rest
        .as_ref()
        .map(|_| "any-other-collection".parse().expect("a collection"));
    behavior.routes.collections.keys().cloned().chain(rest).collect()
}

/// Follows the routes of `collection` from `component`; none if they do not lead to a store.
fn owner_store<'a>(
    topology: &'a Topology,
    component: &ComponentName,
    collection: &Collection,
) -> Option<&'a ComponentName> {
    let mut component = topology.component(component)?;
    let mut seen = BTreeSet::new();
    while seen.insert(component.name.clone()) {
        let Behavior::Service(behavior) = &component.behavior else { return None };
        match behavior.routes.next_hop(collection)? {
            Hop::Own => return behavior.store.as_ref(),
            Hop::Call(to) => {
                let declared = behavior.calls.iter().any(|call| call.to == *to);
                component = topology.component(to).filter(|_| declared)?;
            }
        }
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn valid_specs_can_be_planned_with_distinct_short_names(spec in specs::valid()) {
        let topology = planned(&spec);
        prop_assert_eq!(topology.components().count(), expected_components(&spec));
        for component in topology.components() {
            let child = topology.identity().name.object_name(&component.name);
            prop_assert!(child.len() <= ArchitectureName::MAX_OBJECT_NAME, "{} is too long", child);
        }
    }

    #[test]
    fn a_component_has_the_same_role_in_every_shape(spec in specs::valid()) {
        let mut roles: BTreeMap<ComponentName, Role> = BTreeMap::new();
        for shape in SHAPES {
            let spec = ArchitectureSpec { shape, ..spec.clone() };
            for component in planned(&spec).components() {
                let role = roles.entry(component.name.clone()).or_insert(component.role());
                prop_assert_eq!(*role, component.role(), "{} has two roles", component.name);
            }
        }
    }

    #[test]
    fn all_routes_of_a_collection_lead_to_the_same_store(spec in specs::valid()) {
        let topology = planned(&spec);
        for collection in collections(&topology) {
            let from_entry = owner_store(&topology, topology.entry(), &collection);
            prop_assert!(from_entry.is_some(), "{} has no owner", collection);
            for component in topology.components() {
                let Behavior::Service(behavior) = &component.behavior else { continue };
                if behavior.routes.next_hop(&collection).is_some() {
                    let store = owner_store(&topology, &component.name, &collection);
                    prop_assert_eq!(store, from_entry, "{} from {}", collection, component.name);
                }
            }
        }
    }

    #[test]
    fn the_load_uses_only_collections_with_an_owner(spec in specs::valid()) {
        let topology = planned(&spec);
        for component in topology.components() {
            let Behavior::Load(behavior) = &component.behavior else { continue };
            prop_assert!(!behavior.collections.is_empty());
            for driven in &behavior.drives {
                let peers = topology.component(driven).map(Component::role) == Some(Role::Peer);
                for collection in &behavior.collections {
                    let store = owner_store(&topology, driven, collection);
                    prop_assert!(peers || store.is_some(), "{}", collection);
                }
            }
        }
    }

    #[test]
    fn edges_connect_components_and_services_share_no_store(spec in specs::valid()) {
        let topology = planned(&spec);
        let mut queriers: BTreeMap<ComponentName, u32> = BTreeMap::new();
        for edge in topology.edges() {
            prop_assert!(topology.component(&edge.from).is_some());
            prop_assert!(topology.component(&edge.to).is_some());
            if edge.kind == EdgeKind::Queries {
                *queriers.entry(edge.to).or_default() += 1;
            }
        }
        if spec.shape != Shape::ClientServer {
            prop_assert!(queriers.values().all(|count| *count == 1), "{:?}", queriers);
        }
    }

    #[test]
    fn planning_is_deterministic(spec in specs::valid()) {
        prop_assert_eq!(planned(&spec), planned(&spec));
    }

    #[test]
    fn specs_are_invalid_or_all_component_names_differ(spec in sloppy::sloppy()) {
        let identity = Identity {
            name: "shop".parse().expect("a name"),
            namespace: String::new(),
            uid: String::new(),
        };
        match spec.validate("shop").and_then(|valid| plan(&valid, identity)) {
            Ok(topology) => {
                prop_assert_eq!(topology.components().count(), expected_components(&spec));
            }
            Err(errors) => prop_assert!(errors.iter().count() > 0),
        }
    }
}
