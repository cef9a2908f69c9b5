//! Rules among the services, in Rust; `rules` states the same rules in CEL.

use std::collections::BTreeSet;

use super::{Call, NTier, Service, rules};
use crate::api::validation::component_name::is_headless;
use crate::api::validation::{ErrorList, FieldPath, bounds, to_json};

/// Checks what concerns one service only.
pub(super) fn check_service(service: &Service, path: &FieldPath, errors: &mut ErrorList) {
    let name = service.name.as_str();
    if ["client", "data", "load", "peers"].contains(&name) || is_headless(name) {
        let rule = rules::reserved_service_name();
        rule.report_value(&path.field("name"), to_json(&name), &[name], errors);
    }
    let calls = service.calls.iter().map(|call| &call.service);
    bounds::check_unique(Some("service"), calls, &path.field("calls"), errors);
    let owns = service.owns.iter().flatten();
    bounds::check_unique(None, owns, &path.field("owns"), errors);
    if service.owns.as_ref().is_some_and(Vec::is_empty) {
        errors.add(&path.field("owns"), None, bounds::too_few(1));
    }
    if service.calls.iter().any(|call| call.service == name) {
        rules::self_call().report(path, &[name], errors);
    }
    if service.stateless && service.store.is_some() {
        rules::stateless_with_store().report(path, &[name], errors);
    }
    if service.stateless && service.owns.is_some() {
        rules::stateless_with_owns().report(path, &[name], errors);
    }
    let store = service.store.as_ref().and_then(|store| store.name.as_ref());
    if let Some(store) = store
        && (["business", "client", "load", "peers"].contains(&store.as_str()) || is_headless(store))
    {
        let name_path = path.field("store").field("name");
        rules::reserved_store_name().report_value(&name_path, to_json(store), &[store], errors);
    }
}

/// Checks what concerns the whole list.
pub(super) fn check_services(list: &[Service], path: &FieldPath, errors: &mut ErrorList) {
    bounds::check_length(list, path, errors);
    bounds::check_unique(Some("name"), list.iter().map(|service| &service.name), path, errors);
    check_calls(list, path, errors);
    if !list.is_empty() && list.iter().all(|service| service.stateless) {
        rules::all_stateless().report(path, &[], errors);
    }
    if let Some(store) = shared_store(list) {
        rules::shared_store().report(path, &[store], errors);
    }
    if let Some(collection) = contested_collection(list) {
        rules::contested_collection().report(path, &[collection], errors);
    }
    let stores: BTreeSet<_> = stateful_services(list).map(Service::store_name).collect();
    if let Some(service) = list.iter().find(|service| stores.contains(&service.name)) {
        rules::store_is_service().report(path, &[&service.name], errors);
    }
}

fn stateful_services(list: &[Service]) -> impl Iterator<Item = &Service> {
    list.iter().filter(|service| !service.stateless)
}

/// The stateful services except `service`.
fn other_stateful<'a>(list: &'a [Service], service: &Service) -> impl Iterator<Item = &'a Service> {
    stateful_services(list).filter(move |other| other.name != service.name)
}

/// The first store name that a service sets and another service has too. Names of services differ,
/// so at least one of two services with the same store sets its name.
fn shared_store(list: &[Service]) -> Option<&String> {
    stateful_services(list)
        .filter_map(|service| Some((service, service.store.as_ref()?.name.as_ref()?)))
        .find(|(service, name)| {
            other_stateful(list, service).any(|other| other.store_name() == **name)
        })
        .map(|(_, name)| name)
}

/// The first collection in the `owns` of a service that another service owns too.
fn contested_collection(list: &[Service]) -> Option<&String> {
    stateful_services(list)
        .flat_map(|service| service.owns.iter().flatten().map(move |owned| (service, owned)))
        .find(|(service, owned)| {
            other_stateful(list, service).any(|other| other.owned_collections().contains(owned))
        })
        .map(|(_, owned)| owned)
}

fn check_calls(list: &[Service], path: &FieldPath, errors: &mut ErrorList) {
    let unknown =
        all_calls(list).find(|(_, call)| !list.iter().any(|service| service.name == call.service));
    if let Some((service, call)) = unknown {
        rules::unknown_call().report(path, &[&service.name, &call.service], errors);
    }
}

/// All calls, each with its caller.
fn all_calls(list: &[Service]) -> impl Iterator<Item = (&Service, &Call)> {
    list.iter().flat_map(|service| service.calls.iter().map(move |call| (service, call)))
}

/// Checks the field `entry` of the shape.
pub(super) fn check_entry(shape: &NTier, path: &FieldPath, errors: &mut ErrorList) {
    if let Some(entry) = &shape.entry
        && !shape.services.iter().any(|service| service.name == *entry)
    {
        rules::unknown_entry().report(path, &[entry], errors);
    }
}
