//! Any topology becomes any other, played through in every disorder.

mod changes;
mod pods;
mod requests;
mod topologies;
mod world;
