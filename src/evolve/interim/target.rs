//! The target of Expand and Cutover: the wanted topology, with what only the change needs.
//!
//! New owners get migration sources. Callees that lose a route send the requests that their old
//! callers still make directly to the new owner.

use crate::{
    evolve::routing::{CollectionSelector, RouteGraph, SourcesOfTruth},
    plan::{Behavior, PlannedCall, ServiceBehavior, Topology},
};
use maquette_contract::{Collection, ComponentName, Hop, Percent};
use std::collections::BTreeSet;

/// `wanted`, with migration sources and with the calls that only the change needs.
pub(in crate::evolve) fn target_topology(
    wanted: &Topology,
    running: &RouteGraph<'_>,
    sources_of_truth: &SourcesOfTruth,
    collections: &BTreeSet<Collection>,
) -> Topology {
    let wanted_graph = RouteGraph::from_topology(wanted);
    let mut target = wanted.clone();
    for component in target.components.values_mut() {
        sources_of_truth.assign_sources(component);
        let current = running.component(&component.name).map(|current| &current.behavior);
        if let (Behavior::Service(service), Some(Behavior::Service(current))) =
            (&mut component.behavior, current)
        {
            bridge_lost_routes(&component.name, service, current, &wanted_graph, collections);
        }
    }
    target
}

/// Gives `service` a route to the wanted owner of all items for which only `current` has a route.
fn bridge_lost_routes(
    name: &ComponentName,
    service: &mut ServiceBehavior,
    current: &ServiceBehavior,
    wanted: &RouteGraph<'_>,
    collections: &BTreeSet<Collection>,
) {
    // The rest first: collections without a route of their own then follow the new one.
    for selector in CollectionSelector::all(collections).into_iter().rev() {
        if selector.hop(&service.routes).is_some() || selector.hop(&current.routes).is_none() {
            continue;
        }
        let Some(owner) = wanted.owner_of(&selector).filter(|owner| owner.name != *name) else {
            continue;
        };
        selector.set_hop(&mut service.routes, Hop::Call(owner.name.clone()));
        if !service.calls.iter().any(|call| call.to == owner.name) {
            // Only for items: summaries make the wanted calls only.
            let call = PlannedCall { to: owner.name.clone(), probability_percent: Percent::NEVER };
            service.calls.push(call);
        }
    }
}
