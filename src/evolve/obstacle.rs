//! What keeps a change from being made in place at all.

use crate::{observe::Running, plan::Topology};
use maquette_contract::{NodeName, Role};
use std::fmt;

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
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role { node, runs, wanted } => write!(
                f,
                "{node} runs as a {runs} and is wanted as a {wanted}, which must run beside it \
                 first: give the {wanted} another name"
            ),
        }
    }
}

/// All of them.
pub(super) fn all(wanted: &Topology, running: &Running) -> Vec<Obstacle> {
    let clash = |node: &crate::plan::Node| {
        let runs = running.node(&node.name)?.planned.as_ref()?.role();
        let (wanted, node) = (node.role(), node.name.clone());
        (runs != wanted).then_some(Obstacle::Role { node, runs, wanted })
    };
    wanted.nodes().filter_map(clash).collect()
}
