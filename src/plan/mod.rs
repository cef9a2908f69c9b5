//! Turns any shape into one graph. Pure: no client, clock, environment or randomness.
//!
//! Owns what a shape consists of: its components, the edges between them, and the route of each
//! collection. After `plan`, no code depends on a shape. It never decides what runs at the moment
//! (`evolve`) nor which Kubernetes objects a component becomes (`render`).

#![warn(clippy::disallowed_methods, clippy::disallowed_types)]

mod client_server;
mod components;
mod load;
mod n_tier;
mod names;
mod notes;
mod peer_to_peer;
mod resources;
mod routes;
mod three_tier;
mod topology;

pub use notes::notes;
pub use topology::*;

use crate::api::{ValidShape, ValidSpec, ValidationErrors};
use maquette_contract::{Collection, ComponentName};

/// What a shape consists of, without the load.
struct ShapePlan {
    /// The component behind the entry Service.
    entry: ComponentName,
    components: Vec<Component>,
    /// The components that the load sends requests to.
    drives: Vec<ComponentName>,
    /// The collections of the load's items; each has an owner that `drives` can reach.
    collections: Vec<Collection>,
}

/// The model of a spec.
///
/// # Errors
/// A collection whose owner no request from the entry can reach: the rules of the schema cannot
/// check that.
pub fn plan(spec: &ValidSpec, identity: Identity) -> Result<Topology, ValidationErrors> {
    let ShapePlan { entry, mut components, drives, collections } = match &spec.shape {
        ValidShape::ClientServer(shape) => client_server::plan(shape),
        ValidShape::ThreeTier(shape) => three_tier::plan(shape),
        ValidShape::NTier(shape) => n_tier::plan(shape)?,
        ValidShape::PeerToPeer(shape) => peer_to_peer::plan(shape),
    };
    components.extend(load::plan(&spec.load, drives, collections));
    Ok(Topology {
        identity,
        entry,
        components: components
            .into_iter()
            .map(|component| (component.name.clone(), component))
            .collect(),
        pods: spec.pods.clone(),
        retention: spec.retention.clone(),
    })
}
