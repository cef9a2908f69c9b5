//! A thin client, the services, a store for each that keeps information.

use super::routes::{self, Calls, Owners};
use super::{Component, Plan, PlannedCall, components, names};
use crate::api::{At, Findings, Owned, Problems, ValidNTier, ValidService};
use maquette_contract::{Collection, ComponentName, Routes};
use std::collections::BTreeSet;

pub(super) fn plan(shape: &ValidNTier) -> Result<Plan, Problems> {
    let client = names::client();
    let first = shape.services.first().name.clone();
    let (calls, owners) = (calls(shape, &client, &first), owners(shape));
    let routes = |component: &ComponentName| routes::of(component, &calls, &owners);
    let entry = routes(&client);
    reachable(shape, &entry)?;
    let services = shape.services.iter().map(|s| service(s, routes(&s.name)));
    let stores = shape.services.iter().filter_map(|service| service.keeps.as_ref());
    let stores = stores.map(|keeps| components::store(keeps.store.clone(), &keeps.settings));
    Ok(Plan {
        components: [components::thin(client.clone(), &shape.client, first, entry)]
            .into_iter()
            .chain(services)
            .chain(stores)
            .collect(),
        drives: vec![client.clone()],
        entry: client,
        collections: collections(owners),
    })
}

fn service(service: &ValidService, routes: Routes) -> Component {
    let call = |(to, probability_percent): &(ComponentName, _)| PlannedCall {
        to: to.clone(),
        probability_percent: *probability_percent,
    };
    components::with(
        components::service(service.name.clone(), &service.component, routes),
        |task| {
            task.mode = service.mode;
            task.calls = service.calls.iter().map(call).collect();
            task.store = service.keeps.as_ref().map(|keeps| keeps.store.clone());
        },
    )
}

fn calls(shape: &ValidNTier, client: &ComponentName, first: &ComponentName) -> Calls {
    let declared = shape.services.iter().map(|service| {
        (service.name.clone(), service.calls.iter().map(|(to, _)| to.clone()).collect())
    });
    declared.chain([(client.clone(), vec![first.clone()])]).collect()
}

fn owners(shape: &ValidNTier) -> Owners {
    let mut owners = Owners::default();
    for (service, owned) in owned(shape) {
        match owned {
            Owned::Collection(collection) => {
                _ = owners.collections.insert(collection.clone(), service.name.clone())
            }
            Owned::Rest => owners.rest = Some(service.name.clone()),
        }
    }
    owners
}

/// Everything that is owned, with its owner.
fn owned(shape: &ValidNTier) -> impl Iterator<Item = (&ValidService, &Owned)> {
    let keepers = shape.services.iter().filter_map(|s| Some((s, s.keeps.as_ref()?)));
    keepers.flat_map(|(service, keeps)| keeps.owns.iter().map(move |owned| (service, owned)))
}

/// Fails if requests from the entry have no way to something that is owned.
fn reachable(shape: &ValidNTier, entry: &Routes) -> Result<(), Problems> {
    let mut findings = Findings::default();
    let list = At::root().field("spec").field("nTier").field("services");
    for (index, service) in shape.services.iter().enumerate() {
        let Some(keeps) = &service.keeps else { continue };
        let out_of_reach = |owned: &&Owned| match owned {
            Owned::Collection(collection) => entry.hop(collection).is_none(),
            Owned::Rest => entry.rest.is_none(),
        };
        if let Some(owned) = keeps.owns.iter().find(out_of_reach) {
            let message = format!(
                "service {} owns the collection '{owned}', but no request reaches it: let a service that \
                 is reached from the first one, {}, call it",
                service.name,
                shape.services.first().name,
            );
            findings.add(&list.index(index), None, message);
        }
    }
    findings.result(Some(()))
}

/// The collections that end users make items of.
fn collections(owners: Owners) -> Vec<Collection> {
    let rest = owners.rest.map(|_| names::items());
    let named = owners.collections.into_keys();
    let collections: BTreeSet<_> = named.chain(rest).collect();
    collections.into_iter().collect()
}
