//! Where the items of each collection are, and where a change takes them.

use super::{
    Stage,
    graph::{Graph, Share},
    home::{complete_home, origins, own_home, shares},
};
use crate::{observe::Running, plan::Topology};
use maquette_contract::{Collection, ComponentName};

/// Where the items of a collection are before a change and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whereabouts {
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
pub fn whereabouts(wanted: &Topology, running: &Running, stages: &[Stage]) -> Vec<Whereabouts> {
    let (before, after) = (Graph::of_running(running), Graph::of_topology(wanted));
    let collections = before.collections().into_iter().chain(after.collections()).collect();
    let of = |share: Share| {
        let home = before.owner(&share).and_then(|owner| complete_home(owner, &share));
        let new = after.owner(&share).and_then(own_home);
        let copied = home.as_ref().is_some_and(|home| is_copied(&share, &home.component, stages));
        Whereabouts {
            before: home.map(|home| home.component),
            after: new.map(|home| home.component),
            copied,
            collection: match share {
                Share::Collection(collection) => Some(collection),
                Share::Rest => None,
            },
        }
    };
    shares(&collections).into_iter().map(of).collect()
}

/// Whether some new owner takes these items over from `home`.
fn is_copied(share: &Share, home: &ComponentName, stages: &[Stage]) -> bool {
    let components = stages.iter().flat_map(|stage| stage.apply.components());
    let mut origins = components.flat_map(origins);
    origins.any(|origin| origin.component == *home && share.is_in(&origin.collections))
}
