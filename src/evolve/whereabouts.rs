//! Where the items of each kind are, and where a change takes them.

use super::{
    Stage,
    graph::{Graph, Share},
    home::{complete_home, origins, own_home, shares},
};
use crate::{observe::Running, plan::Topology};
use maquette_contract::{Kind, NodeName};

/// Where the items of a kind are before a change and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whereabouts {
    /// The kind; none for all that have no name anywhere.
    pub kind: Option<Kind>,
    /// The home that has every acknowledged write; none if nobody owns them.
    pub before: Option<NodeName>,
    /// The home that will.
    pub after: Option<NodeName>,
    /// Whether they are taken over from the one to the other.
    pub copied: bool,
}

/// Where the items of each kind are in `running` and where in `wanted`, to which `stages` lead.
pub fn whereabouts(wanted: &Topology, running: &Running, stages: &[Stage]) -> Vec<Whereabouts> {
    let (before, after) = (Graph::of_running(running), Graph::of_topology(wanted));
    let kinds = before.kinds().into_iter().chain(after.kinds()).collect();
    let of = |share: Share| {
        let home = before.owner(&share).and_then(|owner| complete_home(owner, &share));
        let new = after.owner(&share).and_then(own_home);
        let copied = home.as_ref().is_some_and(|home| is_copied(&share, &home.node, stages));
        Whereabouts {
            before: home.map(|home| home.node),
            after: new.map(|home| home.node),
            copied,
            kind: match share {
                Share::Kind(kind) => Some(kind),
                Share::Rest => None,
            },
        }
    };
    shares(&kinds).into_iter().map(of).collect()
}

/// Whether some new owner takes these items over from `home`.
fn is_copied(share: &Share, home: &NodeName, stages: &[Stage]) -> bool {
    let nodes = stages.iter().flat_map(|stage| stage.apply.nodes());
    let mut origins = nodes.flat_map(origins);
    origins.any(|origin| origin.node == *home && share.is_in(&origin.kinds))
}
