//! A thin client, the services, a store for each that keeps information.

use super::routes::{self, CallGraph, Owners};
use super::{Component, PlannedCall, ShapePlan, components, names};
use crate::api::{ErrorList, FieldPath, Ownership, ValidNTier, ValidService, ValidationErrors};
use maquette_contract::{Collection, ComponentName, Routes};
use std::collections::BTreeSet;

pub(super) fn plan(shape: &ValidNTier) -> Result<ShapePlan, ValidationErrors> {
    let client = names::client();
    let first = shape.services.first().name.clone();
    let (calls, owners) = (call_graph(shape, &client, &first), collection_owners(shape));
    let routes = |component: &ComponentName| routes::routes_from(component, &calls, &owners);
    let entry = routes(&client);
    check_reachable(shape, &entry)?;
    let services = shape.services.iter().map(|s| plan_service(s, routes(&s.name)));
    let stores = shape.services.iter().filter_map(|service| service.owned_data.as_ref());
    let stores =
        stores.map(|keeps| components::new_store(keeps.store.clone(), &keeps.store_settings));
    Ok(ShapePlan {
        components: [components::thin_service(client.clone(), &shape.client, first, entry)]
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
    let call = |(to, probability_percent): &(ComponentName, _)| PlannedCall {
        to: to.clone(),
        probability_percent: *probability_percent,
    };
    components::edit_service(
        components::new_service(service.name.clone(), &service.component, routes),
        |task| {
            task.mode = service.mode;
            task.calls = service.calls.iter().map(call).collect();
            task.store = service.owned_data.as_ref().map(|keeps| keeps.store.clone());
        },
    )
}

fn call_graph(shape: &ValidNTier, client: &ComponentName, first: &ComponentName) -> CallGraph {
    let declared = shape.services.iter().map(|service| {
        (service.name.clone(), service.calls.iter().map(|(to, _)| to.clone()).collect())
    });
    declared.chain([(client.clone(), vec![first.clone()])]).collect()
}

fn collection_owners(shape: &ValidNTier) -> Owners {
    let mut owners = Owners::default();
    for (service, owned) in ownerships(shape) {
        match owned {
            Ownership::Collection(collection) => {
                _ = owners.collections.insert(collection.clone(), service.name.clone())
            }
            Ownership::Rest => owners.rest = Some(service.name.clone()),
        }
    }
    owners
}

/// Everything that is owned, with its owner.
fn ownerships(shape: &ValidNTier) -> impl Iterator<Item = (&ValidService, &Ownership)> {
    let keepers = shape.services.iter().filter_map(|s| Some((s, s.owned_data.as_ref()?)));
    keepers.flat_map(|(service, keeps)| keeps.owns.iter().map(move |owned| (service, owned)))
}

/// Fails if requests from the entry have no way to something that is owned.
fn check_reachable(shape: &ValidNTier, entry: &Routes) -> Result<(), ValidationErrors> {
    let mut errors = ErrorList::default();
    let list = FieldPath::root().field("spec").field("nTier").field("services");
    for (index, service) in shape.services.iter().enumerate() {
        let Some(keeps) = &service.owned_data else { continue };
        let out_of_reach = |owned: &&Ownership| match owned {
            Ownership::Collection(collection) => entry.next_hop(collection).is_none(),
            Ownership::Rest => entry.rest.is_none(),
        };
        if let Some(owned) = keeps.owns.iter().find(out_of_reach) {
            let message = format!(
                "service {} owns the collection '{owned}', but no request reaches it: let a service that \
                 is reached from the first one, {}, call it",
                service.name,
                shape.services.first().name,
            );
            errors.add(&list.index(index), None, message);
        }
    }
    errors.into_result(Some(()))
}

/// The collections that end users make items of.
fn load_collections(owners: Owners) -> Vec<Collection> {
    let rest = owners.rest.map(|_| names::default_collection());
    let named = owners.collections.into_keys();
    let collections: BTreeSet<_> = named.chain(rest).collect();
    collections.into_iter().collect()
}
