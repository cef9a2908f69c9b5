//! An owner during Expand: it responds for its old and its new collections before any caller sends
//! requests for the new ones. Its calls are unchanged.

use crate::{
    evolve::routing::{
        CollectionSelector, SourcesOfTruth, authoritative_backend, is_owner_of, own_backend,
    },
    plan::{Behavior, Component, ServiceBehavior},
};
use maquette_contract::{Collection, Hop};
use std::collections::BTreeSet;

/// `current`, which also owns what `target` owns; none if it already does.
pub(in crate::evolve) fn expanded_owner(
    current: &Component,
    target: &Component,
    sources_of_truth: &SourcesOfTruth,
    collections: &BTreeSet<Collection>,
) -> Option<Component> {
    let (Behavior::Service(now), Behavior::Service(later)) = (&current.behavior, &target.behavior)
    else {
        return None;
    };
    let added: Vec<_> = CollectionSelector::all(collections)
        .into_iter()
        .filter(|selector| is_owner_of(target, selector))
        .filter(|selector| !already_accepts(current, target, selector))
        .collect();
    if added.is_empty() {
        return None;
    }
    let mut service = ServiceBehavior { store: later.store.clone(), ..now.clone() };
    // Collections that followed the route of the rest still do if the rest gets another one.
    for collection in collections {
        let rest = &service.routes.rest;
        service.routes.collections.entry(collection.clone()).or_insert_with(|| rest.clone());
    }
    for selector in added {
        selector.set_hop(&mut service.routes, Hop::Own);
    }
    let mut owner = Component { behavior: Behavior::Service(service), ..target.clone() };
    sources_of_truth.assign_sources(&mut owner);
    Some(owner)
}

/// Whether `current` owns these items, with the same backend and source of truth as `target`.
fn already_accepts(current: &Component, target: &Component, selector: &CollectionSelector) -> bool {
    is_owner_of(current, selector)
        && own_backend(current) == own_backend(target)
        && authoritative_backend(current, selector) == authoritative_backend(target, selector)
}
