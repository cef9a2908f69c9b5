//! What runs, as `observe` and `evolve` take it: models that are rendered and whose objects and
//! pods then look as a cluster would show them.

#![cfg(test)]

#[path = "../shared/edges.rs"]
mod edges;
#[path = "../shared/specs.rs"]
mod specs;

mod backends;
mod cluster;
mod peers;
mod progress;
mod read_back;
mod simulation;
mod status;
mod steps;
