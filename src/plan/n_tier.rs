//! The n-tier shape: a thin client, the services, and a store for each stateful service.

use super::routes::{self, CallGraph, Owners};
use super::{Component, PlannedCall, ShapePlan, components, names};
use crate::api::{ErrorList, FieldPath, Ownership, ValidNTier, ValidService, ValidationErrors};
use maquette_contract::{Collection, ComponentName, Routes};
use std::collections::BTreeSet;

pub(super) fn plan(shape: &ValidNTier) -> Result<ShapePlan, ValidationErrors> {
    let client = names::client();
    let entry = entry_service(shape)?;
    let calls = call_graph(shape, &client, &entry);
    let owners = collection_owners(shape);
    let client_routes = routes::routes_from(&client, &calls, &owners);
    check_reachable(shape, &entry, &client_routes)?;
    let services = shape
        .services
        .iter()
        .map(|service| plan_service(service, routes::routes_from(&service.name, &calls, &owners)));
    let stores = shape
        .services
        .iter()
        .filter_map(|service| service.owned_data.as_ref())
        .map(|data| components::new_store(data.store.clone(), &data.store_settings));
    Ok(ShapePlan {
        components: [components::thin_service(client.clone(), &shape.client, entry, client_routes)]
            .into_iter()
            .chain(services)
            .chain(stores)
            .collect(),
        drives: vec![client.clone()],
        entry: client,
        collections: load_collections(owners),
    })
}

fn plan_service(service: &ValidService, routes: Routes) -> Component {
    let component = components::new_service(service.name.clone(), &service.component, routes);
    components::edit_service(component, |behavior| {
        behavior.mode = service.mode;
        behavior.calls = service
            .calls
            .iter()
            .map(|(to, percent)| PlannedCall { to: to.clone(), probability_percent: *percent })
            .collect();
        behavior.store = service.owned_data.as_ref().map(|data| data.store.clone());
    })
}

fn call_graph(shape: &ValidNTier, client: &ComponentName, entry: &ComponentName) -> CallGraph {
    declared_calls(shape).chain([(client.clone(), vec![entry.clone()])]).collect()
}

fn declared_calls(shape: &ValidNTier) -> impl Iterator<Item = (ComponentName, Vec<ComponentName>)> {
    shape.services.iter().map(|service| {
        (service.name.clone(), service.calls.iter().map(|(to, _)| to.clone()).collect())
    })
}

/// The service that the client calls.
///
/// # Errors
/// If the calls form a cycle, or it is not clear which service is meant. The API server estimates
/// the cost of such rules as above its limit.
fn entry_service(shape: &ValidNTier) -> Result<ComponentName, ValidationErrors> {
    let graph: CallGraph = declared_calls(shape).collect();
    let mut errors = ErrorList::default();
    if let Some(cycle) = routes::find_cycle(&graph) {
        let names: Vec<_> = cycle.iter().map(ComponentName::as_str).collect();
        let path = names.join(" -> ");
        errors.add(&services_path(), None, format!("the calls form a cycle, {path}: remove one"));
        return errors.into_result(None);
    }
    let is_called = |name: &ComponentName| graph.values().any(|called| called.contains(name));
    let mut candidates: Vec<_> = graph.keys().filter(|name| !is_called(name)).collect();
    let useful: Vec<_> = candidates.iter().copied().filter(|name| !is_idle(shape, name)).collect();
    if useful.len() == 1 {
        candidates = useful;
    }
    if let (None, [_, _, ..]) = (&shape.entry, candidates.as_slice()) {
        let names: Vec<_> = candidates.iter().map(|name| name.as_str()).collect();
        let names = names.join(", ");
        let entry = FieldPath::root().field("spec").field("nTier").field("entry");
        let message =
            format!("no other service calls {names}: set entry to the one that the client calls");
        errors.add(&entry, None, message);
    }
    // Calls without a cycle leave a service that no other calls.
    errors.into_result(shape.entry.clone().or_else(|| candidates.first().copied().cloned()))
}

/// Whether the service neither owns a collection nor calls another: as the entry it has nothing to
/// serve.
fn is_idle(shape: &ValidNTier, name: &ComponentName) -> bool {
    let found = shape.services.iter().find(|service| service.name == *name);
    found.is_some_and(|service| service.owned_data.is_none() && service.calls.is_empty())
}

fn services_path() -> FieldPath {
    FieldPath::root().field("spec").field("nTier").field("services")
}

fn collection_owners(shape: &ValidNTier) -> Owners {
    let mut owners = Owners::default();
    for (service, ownership) in ownerships(shape) {
        match ownership {
            Ownership::Collection(collection) => {
                _ = owners.collections.insert(collection.clone(), service.name.clone())
            }
            Ownership::Rest => owners.rest = Some(service.name.clone()),
        }
    }
    owners
}

/// The entries of all `owns`, each with its service.
fn ownerships(shape: &ValidNTier) -> impl Iterator<Item = (&ValidService, &Ownership)> {
    shape
        .services
        .iter()
        .filter_map(|service| Some((service, service.owned_data.as_ref()?)))
        .flat_map(|(service, data)| data.owns.iter().map(move |ownership| (service, ownership)))
}

/// Adds an error for each service that owns a collection to which the client has no route.
fn check_reachable(
    shape: &ValidNTier,
    entry: &ComponentName,
    client_routes: &Routes,
) -> Result<(), ValidationErrors> {
    let mut errors = ErrorList::default();
    let list = services_path();
    for (index, service) in shape.services.iter().enumerate() {
        let Some(data) = &service.owned_data else { continue };
        let unreachable = data.owns.iter().find(|ownership| match ownership {
            Ownership::Collection(collection) => client_routes.next_hop(collection).is_none(),
            Ownership::Rest => client_routes.rest.is_none(),
        });
        if let Some(ownership) = unreachable {
            let message = format!(
                "service {} owns the collection '{ownership}', but no request reaches the \
                 service: add a call to it from a service that requests reach, such as {entry}",
                service.name,
            );
            errors.add(&list.index(index), None, message);
        }
    }
    errors.into_result(Some(()))
}

/// The collections of the load's items: those with an owner, and one more if a service owns the
/// rest.
fn load_collections(owners: Owners) -> Vec<Collection> {
    let rest = owners.rest.map(|_| names::default_collection());
    let collections: BTreeSet<_> = owners.collections.into_keys().chain(rest).collect();
    collections.into_iter().collect()
}
