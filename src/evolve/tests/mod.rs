//! Property tests: any topology changes into any other, with random events on the way.

mod changes;
mod events;
mod pods;
mod requests;
mod topologies;
mod users;
mod world;
