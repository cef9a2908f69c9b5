//! The declared edges to other components, and the probes that check them without traffic.
//!
//! Owns the newest probe result and the traffic counts of each edge. Never decides readiness: a pod
//! is ready whether or not the components that it calls are.

mod edge;
mod probe;
mod target;

pub use edge::Edge;
pub use probe::Protocol;
pub use target::EdgeTarget;
