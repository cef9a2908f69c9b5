//! Turns any shape into one graph. Pure: no client, clock, environment or randomness.
//!
//! Owns what a shape consists of: which nodes there are, who may talk to whom, which way each kind
//! goes. After it, no code knows what a shape is. It never decides what runs now (`evolve`) nor what
//! a node is made of (`render`).

#![warn(clippy::disallowed_methods, clippy::disallowed_types)]

mod client_server;
mod load;
mod n_tier;
mod names;
mod nodes;
mod peer_to_peer;
mod resources;
mod routes;
mod three_tier;
mod topology;

pub use topology::*;

use crate::api::{Problems, ValidShape, ValidSpec};
use maquette_contract::{Kind, NodeName};

/// What a shape consists of, before the end users come.
struct Plan {
    /// The node that the entry Service leads to.
    entry: NodeName,
    nodes: Vec<Node>,
    /// The nodes that end users send requests to.
    drives: Vec<NodeName>,
    /// Kinds that requests from those nodes find an owner for.
    kinds: Vec<Kind>,
}

/// The model that a spec asks for.
///
/// # Errors
/// What the schema's rules cannot say: a kind whose owner no request can reach from the entry.
pub fn plan(spec: &ValidSpec, identity: Identity) -> Result<Topology, Problems> {
    let Plan { entry, mut nodes, drives, kinds } = match &spec.shape {
        ValidShape::ClientServer(shape) => client_server::plan(shape),
        ValidShape::ThreeTier(shape) => three_tier::plan(shape),
        ValidShape::NTier(shape) => n_tier::plan(shape)?,
        ValidShape::PeerToPeer(shape) => peer_to_peer::plan(shape),
    };
    nodes.extend(load::plan(&spec.load, drives, kinds));
    Ok(Topology {
        identity,
        entry,
        nodes: nodes.into_iter().map(|node| (node.name.clone(), node)).collect(),
        pods: spec.pods.clone(),
        retention: spec.retention.clone(),
    })
}
