//! The route of each collection: the shortest path of declared calls to its owner; of equal paths,
//! the first in the order of the components' names.

use maquette_contract::{Collection, ComponentName, Hop, Routes};
use std::collections::{BTreeMap, VecDeque};

/// The called components of each component, in the order of their names.
pub(super) type CallGraph = BTreeMap<ComponentName, Vec<ComponentName>>;

/// The owner of each collection.
#[derive(Default)]
pub(super) struct Owners {
    pub(super) collections: BTreeMap<Collection, ComponentName>,
    /// The owner of all other collections.
    pub(super) rest: Option<ComponentName>,
}

/// The routes of `component`.
pub(super) fn routes_from(component: &ComponentName, calls: &CallGraph, owners: &Owners) -> Routes {
    let hops = first_hops(component, calls);
    Routes {
        collections: owners
            .collections
            .iter()
            .map(|(collection, owner)| (collection.clone(), next_hop(component, owner, &hops)))
            .collect(),
        rest: owners.rest.as_ref().and_then(|owner| next_hop(component, owner, &hops)),
    }
}

fn next_hop(component: &ComponentName, owner: &ComponentName, hops: &FirstHops) -> Option<Hop> {
    match owner == component {
        true => Some(Hop::Own),
        false => hops.get(owner).cloned().map(Hop::Call),
    }
}

/// For each reachable component, the first component on the shortest path to it.
type FirstHops = BTreeMap<ComponentName, ComponentName>;

/// Breadth-first search from `component`.
fn first_hops(component: &ComponentName, calls: &CallGraph) -> FirstHops {
    let mut first_hops = BTreeMap::new();
    let mut queue: VecDeque<_> =
        called_by(component, calls).map(|called| (called, called)).collect();
    while let Some((reached, first)) = queue.pop_front() {
        if reached == component || first_hops.contains_key(reached) {
            continue;
        }
        first_hops.insert(reached.clone(), first.clone());
        queue.extend(called_by(reached, calls).map(|called| (called, first)));
    }
    first_hops
}

/// A cycle of calls: its components in the order of the calls, the first also at the end. None if
/// there is none.
pub(super) fn find_cycle(calls: &CallGraph) -> Option<Vec<ComponentName>> {
    let on_cycle = calls.keys().find(|component| path_to_itself(component, calls).is_some())?;
    path_to_itself(on_cycle, calls)
}

/// The shortest path of calls from `component` to itself.
fn path_to_itself(component: &ComponentName, calls: &CallGraph) -> Option<Vec<ComponentName>> {
    let mut callers: BTreeMap<&ComponentName, &ComponentName> = BTreeMap::new();
    let mut queue = VecDeque::from([component]);
    while let Some(caller) = queue.pop_front() {
        for called in called_by(caller, calls) {
            if callers.contains_key(called) {
                continue;
            }
            callers.insert(called, caller);
            queue.push_back(called);
        }
    }
    let mut path = vec![component.clone()];
    let mut at = component;
    loop {
        at = callers.get(at).copied()?;
        path.push(at.clone());
        if at == component {
            path.reverse();
            return Some(path);
        }
    }
}

fn called_by<'a>(
    component: &ComponentName,
    calls: &'a CallGraph,
) -> impl Iterator<Item = &'a ComponentName> + use<'a> {
    calls.get(component).into_iter().flatten()
}
