//! Which way each collection goes: the shortest over declared calls, the first declared of equal ones.

use maquette_contract::{Collection, ComponentName, Hop, Routes};
use std::collections::{BTreeMap, VecDeque};

/// Who calls whom, in the order declared.
pub(super) type CallGraph = BTreeMap<ComponentName, Vec<ComponentName>>;

/// Who owns what.
#[derive(Default)]
pub(super) struct Owners {
    pub(super) collections: BTreeMap<Collection, ComponentName>,
    pub(super) rest: Option<ComponentName>,
}

/// The routes of `component`.
pub(super) fn routes_from(component: &ComponentName, calls: &CallGraph, owners: &Owners) -> Routes {
    let first = first_hops(component, calls);
    let hop = |owner: &ComponentName| match owner == component {
        true => Some(Hop::Own),
        false => first.get(owner).cloned().map(Hop::Call),
    };
    Routes {
        collections: owners
            .collections
            .iter()
            .map(|(collection, owner)| (collection.clone(), hop(owner)))
            .collect(),
        rest: owners.rest.as_ref().and_then(hop),
    }
}

/// For every component that can be reached, the call that the shortest way to it begins with.
fn first_hops(
    component: &ComponentName,
    calls: &CallGraph,
) -> BTreeMap<ComponentName, ComponentName> {
    let below = |component: &ComponentName| calls.get(component).into_iter().flatten();
    let mut first = BTreeMap::new();
    let mut queue: VecDeque<_> = below(component).map(|next| (next, next)).collect();
    while let Some((reached, by)) = queue.pop_front() {
        if reached == component || first.contains_key(reached) {
            continue;
        }
        first.insert(reached.clone(), by.clone());
        queue.extend(below(reached).map(|next| (next, by)));
    }
    first
}
