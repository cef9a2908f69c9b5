//! Which backend has the items of each collection, before and after a change.

use super::{
    routing::{
        CollectionSelector, RouteGraph, authoritative_backend, migration_sources, own_backend,
    },
    simulate::Stage,
};
use crate::{observe::RunningTopology, plan::Topology};
use maquette_contract::{Collection, ComponentName};

/// Which backend has the items of a collection, before and after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// None for all collections that no route names.
    pub collection: Option<Collection>,
    /// The source of truth before the change; none if the items have no owner.
    pub before: Option<ComponentName>,
    /// The backend after the change; none if the items have no owner then.
    pub after: Option<ComponentName>,
    /// Whether the items are copied from `before` to a new owner.
    pub copied: bool,
}

/// The placement of each collection in `running` and in `wanted`. `stages` is the change between
/// them.
pub fn placements(
    wanted: &Topology,
    running: &RunningTopology,
    stages: &[Stage],
) -> Vec<Placement> {
    let (before, after) = (RouteGraph::from_running(running), RouteGraph::from_topology(wanted));
    let collections =
        before.named_collections().into_iter().chain(after.named_collections()).collect();
    let selectors = CollectionSelector::all(&collections).into_iter();
    selectors.map(|selector| placement(selector, &before, &after, stages)).collect()
}

fn placement(
    selector: CollectionSelector,
    before: &RouteGraph<'_>,
    after: &RouteGraph<'_>,
    stages: &[Stage],
) -> Placement {
    let old = before.owner_of(&selector).and_then(|one| authoritative_backend(one, &selector));
    let new = after.owner_of(&selector).and_then(own_backend);
    let copied = old.as_ref().is_some_and(|old| is_copied(&selector, &old.component, stages));
    Placement {
        before: old.map(|old| old.component),
        after: new.map(|new| new.component),
        copied,
        collection: match selector {
            CollectionSelector::Named(collection) => Some(collection),
            CollectionSelector::Rest => None,
        },
    }
}

/// Whether a new owner copies these items from `backend` in any stage.
fn is_copied(selector: &CollectionSelector, backend: &ComponentName, stages: &[Stage]) -> bool {
    let components = stages.iter().flat_map(|stage| stage.apply.components());
    let mut sources = components.flat_map(migration_sources);
    sources.any(|source| source.component == *backend && selector.is_in(&source.collections))
}
