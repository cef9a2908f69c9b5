//! Where a change leads at first: every wanted component, with what the way there needs besides. New
//! owners take items over from where they are; callees that lose a route send what their old
//! callers still ask for straight to its new owner.

use super::{
    backend::{SourcesOfTruth, all_selectors},
    graph::RouteGraph,
};
use crate::plan::{Behavior, PlannedCall, ServiceBehavior, Topology};
use maquette_contract::{Collection, ComponentName, Hop, Percent};
use std::collections::BTreeSet;

/// The wanted topology with origins and with the calls that only a change needs.
pub(super) fn build_topology(
    wanted: &Topology,
    running: &RouteGraph<'_>,
    authorities: &SourcesOfTruth,
    collections: &BTreeSet<Collection>,
) -> Topology {
    let graph = RouteGraph::from_topology(wanted);
    let mut goal = wanted.clone();
    for component in goal.components.values_mut() {
        authorities.assign_sources(component);
        let Some(Behavior::Service(old)) =
            running.component(&component.name).map(|old| &old.behavior)
        else {
            continue;
        };
        if let Behavior::Service(task) = &mut component.behavior {
            bridge_lost_routes(&component.name, task, old, &graph, collections);
        }
    }
    goal
}

/// Gives `task` a way to the wanted owner of what `old` had a way for and `task` has none.
fn bridge_lost_routes(
    name: &ComponentName,
    task: &mut ServiceBehavior,
    old: &ServiceBehavior,
    wanted: &RouteGraph<'_>,
    collections: &BTreeSet<Collection>,
) {
    // The rest first: collections without a name of their own go its way then.
    for share in all_selectors(collections).into_iter().rev() {
        if share.hop(&task.routes).is_some() || share.hop(&old.routes).is_none() {
            continue;
        }
        let Some(owner) = wanted.owner_of(&share).filter(|owner| owner.name != *name) else {
            continue;
        };
        share.set_hop(&mut task.routes, Hop::Call(owner.name.clone()));
        if !task.calls.iter().any(|call| call.to == owner.name) {
            // Only for items: a summary goes the wanted ways.
            let call = PlannedCall { to: owner.name.clone(), probability_percent: Percent::NEVER };
            task.calls.push(call);
        }
    }
}
