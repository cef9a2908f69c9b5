//! Turns any shape into one graph. Pure: no client, clock, environment or randomness.
//!
//! Owns what a shape consists of: which components there are, who may talk to whom, which way each collection
//! goes. After it, no code knows what a shape is. It never decides what runs now (`evolve`) nor what
//! a component is made of (`render`).

#![warn(clippy::disallowed_methods, clippy::disallowed_types)]

mod client_server;
mod components;
mod load;
mod n_tier;
mod names;
mod peer_to_peer;
mod resources;
mod routes;
mod three_tier;
mod topology;

pub use topology::*;

use crate::api::{ValidShape, ValidSpec, ValidationErrors};
use maquette_contract::{Collection, ComponentName};

/// What a shape consists of, before the end users come.
struct ShapePlan {
    /// The component that the entry Service leads to.
    entry: ComponentName,
    components: Vec<Component>,
    /// The components that end users send requests to.
    drives: Vec<ComponentName>,
    /// Collections that requests from those components find an owner for.
    collections: Vec<Collection>,
}

/// The model that a spec asks for.
///
/// # Errors
/// What the schema's rules cannot say: a collection whose owner no request can reach from the entry.
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
