//! What keeps a change from being made in place at all.

use super::{graph::Graph, home::Authorities};
use crate::{
    observe::Running,
    plan::{Node, Topology},
};
use maquette_contract::{NodeName, Role};
use std::{collections::BTreeSet, fmt};

/// Why what is wanted cannot be reached from what runs, and the mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// A wanted node has the name of one that runs in another role; both need the name at once.
    Role {
        /// The name.
        node: NodeName,
        /// What runs under it.
        runs: Role,
        /// What is wanted under it.
        wanted: Role,
    },
    /// Somebody deleted a part of a node that is not wanted any more and is needed on the way: it
    /// still serves, or items are to be taken over from it.
    Lost {
        /// The node.
        node: NodeName,
    },
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role { node, runs, wanted } => write!(
                f,
                "{node} runs as a {runs} and is wanted as a {wanted}, which must run beside it \
                 first: give the {wanted} another name"
            ),
            Self::Lost { node } => write!(
                f,
                "{node} is needed until this change is made, and its ConfigMap or StatefulSet was \
                 deleted: go back to the specification with {node}, which makes it anew with its \
                 volume, and make the change again; or, if nobody needs what it keeps, delete what \
                 is left of it and its PersistentVolumeClaims"
            ),
        }
    }
}

/// All of them.
pub(super) fn all(wanted: &Topology, running: &Running) -> Vec<Obstacle> {
    clashes(wanted, running).chain(lost(wanted, running)).collect()
}

fn clashes(wanted: &Topology, running: &Running) -> impl Iterator<Item = Obstacle> {
    let clash = |node: &Node| {
        let runs = running.node(&node.name)?.planned.as_ref()?.role();
        let (wanted, node) = (node.role(), node.name.clone());
        (runs != wanted).then_some(Obstacle::Role { node, runs, wanted })
    };
    wanted.nodes().filter_map(clash)
}

/// Nodes of which nobody knows what they do, and homes of items that nobody can ask any more. A home
/// without a volume never held any.
fn lost(wanted: &Topology, running: &Running) -> impl Iterator<Item = Obstacle> {
    let graph = Graph::of_running(running);
    let authorities = Authorities::of(&graph, &graph.kinds());
    let homes = authorities.homes().into_iter().filter(|home| running.has_volume(home));
    let homes = homes.filter(|home| graph.node(home).is_none());
    let needed: BTreeSet<_> = homes.chain(running.unreadable()).cloned().collect();
    let lost = needed.into_iter().filter(|node| wanted.node(node).is_none());
    lost.map(|node| Obstacle::Lost { node })
}
