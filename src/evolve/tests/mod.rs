//! Any topology becomes any other, played through in every disorder.

mod changes;
mod events;
mod pods;
mod requests;
mod topologies;
mod users;
mod world;
