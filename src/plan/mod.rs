//! Turns any shape into one graph. Pure: no client, clock, environment or randomness.

mod topology;

pub use topology::*;
