//! An owner accepts items before anybody sends it requests for them: a component that runs already and
//! will own other items than now owns both meanwhile, and calls as before.

use super::{
    backend::{SourcesOfTruth, all_selectors, authoritative_backend, is_owner_of, own_backend},
    graph::CollectionSelector,
};
use crate::plan::{Behavior, Component, ServiceBehavior};
use maquette_contract::{Collection, Hop};
use std::collections::BTreeSet;

/// `old`, also owning what `goal` does; none if it does already.
pub(super) fn expanded_owner(
    old: &Component,
    goal: &Component,
    authorities: &SourcesOfTruth,
    collections: &BTreeSet<Collection>,
) -> Option<Component> {
    let (Behavior::Service(told), Behavior::Service(wanted)) = (&old.behavior, &goal.behavior)
    else {
        return None;
    };
    let owned = all_selectors(collections).into_iter().filter(|share| is_owner_of(goal, share));
    let new: Vec<_> = owned.filter(|share| !already_accepts(old, goal, share)).collect();
    if new.is_empty() {
        return None;
    }
    let mut task = ServiceBehavior { store: wanted.store.clone(), ..told.clone() };
    // Collections that went the way of the rest still do when that is owned.
    for collection in collections {
        let hop = || task.routes.rest.clone();
        task.routes.collections.entry(collection.clone()).or_insert_with(hop);
    }
    for share in new {
        share.set_hop(&mut task.routes, Hop::Own);
    }
    let mut component = Component { behavior: Behavior::Service(task), ..goal.clone() };
    authorities.assign_sources(&mut component);
    Some(component)
}

/// Whether `old` owns these items already, at home where `goal` does, and complete as there.
fn already_accepts(old: &Component, goal: &Component, share: &CollectionSelector) -> bool {
    is_owner_of(old, share)
        && own_backend(old) == own_backend(goal)
        && authoritative_backend(old, share) == authoritative_backend(goal, share)
}
