//! Where the items of each collection are, and where a change takes them.

use super::{
    Stage,
    backend::{all_selectors, authoritative_backend, migration_sources, own_backend},
    graph::{CollectionSelector, RouteGraph},
};
use crate::{observe::RunningTopology, plan::Topology};
use maquette_contract::{Collection, ComponentName};

/// Where the items of a collection are before a change and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The collection; none for all that have no name anywhere.
    pub collection: Option<Collection>,
    /// The home that has every acknowledged write; none if nobody owns them.
    pub before: Option<ComponentName>,
    /// The home that will.
    pub after: Option<ComponentName>,
    /// Whether they are taken over from the one to the other.
    pub copied: bool,
}

/// Where the items of each collection are in `running` and where in `wanted`, to which `stages` lead.
pub fn placements(
    wanted: &Topology,
    running: &RunningTopology,
    stages: &[Stage],
) -> Vec<Placement> {
    let (before, after) = (RouteGraph::from_running(running), RouteGraph::from_topology(wanted));
    let collections =
        before.named_collections().into_iter().chain(after.named_collections()).collect();
    let of = |share: CollectionSelector| {
        let home = before.owner_of(&share).and_then(|owner| authoritative_backend(owner, &share));
        let new = after.owner_of(&share).and_then(own_backend);
        let copied = home.as_ref().is_some_and(|home| is_copied(&share, &home.component, stages));
        Placement {
            before: home.map(|home| home.component),
            after: new.map(|home| home.component),
            copied,
            collection: match share {
                CollectionSelector::Named(collection) => Some(collection),
                CollectionSelector::Rest => None,
            },
        }
    };
    all_selectors(&collections).into_iter().map(of).collect()
}

/// Whether some new owner takes these items over from `home`.
fn is_copied(share: &CollectionSelector, home: &ComponentName, stages: &[Stage]) -> bool {
    let components = stages.iter().flat_map(|stage| stage.apply.components());
    let mut origins = components.flat_map(migration_sources);
    origins.any(|origin| origin.component == *home && share.is_in(&origin.collections))
}
