//! What is true of every plan.

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

/// The components that the spec asks for, if no two of them have the same name.
fn wanted_components(spec: &ArchitectureSpec) -> usize {
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

/// The collections that somebody owns, and one that falls to the rest if somebody owns that.
fn collections(topology: &Topology) -> BTreeSet<Collection> {
    let entry = topology.component(topology.entry()).expect("the entry is a component");
    let Behavior::Service(task) = &entry.behavior else { return BTreeSet::new() };
    let rest =
        task.routes.rest.as_ref().map(|_| "any-other-collection".parse().expect("a collection"));
    task.routes.collections.keys().cloned().chain(rest).collect()
}

/// Follows the routes for `collection` from `component` to the store of the owner; none if they do not lead to
/// one.
fn store<'a>(
    topology: &'a Topology,
    component: &ComponentName,
    collection: &Collection,
) -> Option<&'a ComponentName> {
    let mut component = topology.component(component)?;
    let mut seen = BTreeSet::new();
    while seen.insert(component.name.clone()) {
        let Behavior::Service(task) = &component.behavior else { return None };
        match task.routes.next_hop(collection)? {
            Hop::Own => return task.store.as_ref(),
            Hop::Call(to) => {
                let declared = task.calls.iter().any(|call| call.to == *to);
                component = topology.component(to).filter(|_| declared)?;
            }
        }
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_valid_spec_can_be_planned_and_no_two_components_have_one_name(spec in specs::valid()) {
        let topology = planned(&spec);
        prop_assert_eq!(topology.components().count(), wanted_components(&spec));
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
    fn every_collection_reaches_its_owner_from_the_entry_and_from_wherever_it_can(spec in specs::valid()) {
        let topology = planned(&spec);
        for collection in collections(&topology) {
            let from_entry = store(&topology, topology.entry(), &collection);
            prop_assert!(from_entry.is_some(), "{} has no owner", collection);
            for component in topology.components() {
                let Behavior::Service(task) = &component.behavior else { continue };
                if task.routes.next_hop(&collection).is_some() {
                    let found = store(&topology, &component.name, &collection);
                    prop_assert_eq!(found, from_entry, "{} from {}", collection, component.name);
                }
            }
        }
    }

    #[test]
    fn end_users_ask_only_for_collections_that_have_an_owner(spec in specs::valid()) {
        let topology = planned(&spec);
        for component in topology.components() {
            let Behavior::Load(task) = &component.behavior else { continue };
            prop_assert!(!task.collections.is_empty());
            for driven in &task.drives {
                let peers = topology.component(driven).map(Component::role) == Some(Role::Peer);
                for collection in &task.collections {
                    prop_assert!(peers || store(&topology, driven, collection).is_some(), "{}", collection);
                }
            }
        }
    }

    #[test]
    fn edges_lead_to_components_and_a_store_of_n_tier_answers_one_service(spec in specs::valid()) {
        let topology = planned(&spec);
        let mut askers: BTreeMap<ComponentName, u32> = BTreeMap::new();
        for edge in topology.edges() {
            prop_assert!(topology.component(&edge.from).is_some() && topology.component(&edge.to).is_some());
            if edge.kind == EdgeKind::Queries {
                *askers.entry(edge.to).or_default() += 1;
            }
        }
        if spec.shape != Shape::ClientServer {
            prop_assert!(askers.values().all(|count| *count == 1), "{:?}", askers);
        }
    }

    #[test]
    fn planning_again_changes_nothing(spec in specs::valid()) {
        prop_assert_eq!(planned(&spec), planned(&spec));
    }

    #[test]
    fn what_is_not_valid_is_said_and_what_is_never_clashes(spec in sloppy::sloppy()) {
        let identity = Identity {
            name: "shop".parse().expect("a name"),
            namespace: String::new(),
            uid: String::new(),
        };
        match spec.validate("shop").and_then(|valid| plan(&valid, identity)) {
            Ok(topology) => prop_assert_eq!(topology.components().count(), wanted_components(&spec)),
            Err(problems) => prop_assert!(problems.iter().count() > 0),
        }
    }
}
