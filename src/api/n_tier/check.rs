//! What must hold among the services; `rules` says it in CEL.

use std::collections::BTreeSet;

use super::{Call, Service, rules};
use crate::api::bounds;
use crate::api::error_list::{At, Findings, to_json};
use crate::api::name::is_headless;

/// Checks one service.
pub(super) fn check_service(service: &Service, at: &At, findings: &mut Findings) {
    let name = service.name.as_str();
    if ["client", "data", "load", "peers"].contains(&name) || is_headless(name) {
        rules::TAKEN.broken_by(&at.field("name"), to_json(&name), &[name], findings);
    }
    let calls = service.calls.iter().map(|call| &call.service);
    bounds::check_unique(Some("service"), calls, &at.field("calls"), findings);
    let owns = service.owns.iter().flatten();
    bounds::check_unique(None, owns, &at.field("owns"), findings);
    if service.owns.as_ref().is_some_and(Vec::is_empty) {
        findings.add(&at.field("owns"), None, bounds::too_few(1));
    }
    if service.calls.iter().any(|call| call.service == name) {
        rules::SELF_CALL.broken(at, &[name], findings);
    }
    if service.stateless && service.store.is_some() {
        rules::STATELESS_STORE.broken(at, &[name], findings);
    }
    if service.stateless && service.owns.is_some() {
        rules::STATELESS_OWNS.broken(at, &[name], findings);
    }
    let store = service.store.as_ref().and_then(|store| store.name.as_ref());
    if let Some(store) = store
        && (["business", "client", "load", "peers"].contains(&store.as_str()) || is_headless(store))
    {
        let at = at.field("store").field("name");
        rules::STORE_TAKEN.broken_by(&at, to_json(store), &[store], findings);
    }
}

/// Checks the list of services.
pub(super) fn check_services(list: &[Service], at: &At, findings: &mut Findings) {
    bounds::check_length(list, at, findings);
    bounds::check_unique(Some("name"), list.iter().map(|service| &service.name), at, findings);
    check_calls(list, at, findings);
    if !list.is_empty() && list.iter().all(|service| service.stateless) {
        rules::NOTHING_KEPT.broken(at, &[], findings);
    }
    if let Some(store) = shared_store(list) {
        rules::SHARED_STORE.broken(at, &[&store], findings);
    }
    if let Some(collection) = contested_collection(list) {
        rules::CONTESTED_KIND.broken(at, &[&collection], findings);
    }
    let stores: BTreeSet<_> = stateful_services(list).map(Service::store_name).collect();
    if let Some(service) = list.iter().find(|service| stores.contains(&service.name)) {
        rules::STORE_IS_SERVICE.broken(at, &[&service.name], findings);
    }
}

fn stateful_services(list: &[Service]) -> impl Iterator<Item = &Service> {
    list.iter().filter(|service| !service.stateless)
}

/// The services that keep information, but for `service`.
fn other_stateful<'a>(list: &'a [Service], service: &Service) -> impl Iterator<Item = &'a Service> {
    stateful_services(list).filter(move |other| other.name != service.name)
}

/// The first store that a service names and another has too. Of two that share one, at least one
/// names it, since the names of services differ.
fn shared_store(list: &[Service]) -> Option<String> {
    let named = |service: &Service| service.store.as_ref().and_then(|store| store.name.clone());
    let mut named = stateful_services(list).filter_map(|service| Some((service, named(service)?)));
    let shared =
        named.find(|(s, store)| other_stateful(list, s).any(|other| other.store_name() == *store));
    shared.map(|(_, store)| store)
}

/// The first collection that a service says it owns and another owns too.
fn contested_collection(list: &[Service]) -> Option<String> {
    let claims =
        stateful_services(list).filter_map(|service| Some((service, service.owns.as_ref()?)));
    let mut claims =
        claims.flat_map(|(service, collections)| collections.iter().map(move |k| (service, k)));
    let contested = claims.find(|(s, collection)| {
        other_stateful(list, s).any(|o| o.owned_collections().contains(collection))
    });
    contested.map(|(_, collection)| collection.clone())
}

fn check_calls(list: &[Service], at: &At, findings: &mut Findings) {
    let all = || list.iter().enumerate().flat_map(|(i, s)| s.calls.iter().map(move |c| (i, s, c)));
    let unknown = |(_, _, call): &(_, _, &Call)| service_position(list, &call.service).is_none();
    if let Some((_, service, call)) = all().find(unknown) {
        rules::UNKNOWN_CALL.broken(at, &[&service.name, &call.service], findings);
    }
    let upward = |(index, _, call): &(usize, _, &Call)| {
        service_position(list, &call.service).is_some_and(|called| called < *index)
    };
    if let Some((_, service, call)) = all().find(upward) {
        rules::UPWARD_CALL.broken(at, &[&service.name, &call.service], findings);
    }
}

fn service_position(list: &[Service], name: &str) -> Option<usize> {
    list.iter().position(|service| service.name == name)
}
