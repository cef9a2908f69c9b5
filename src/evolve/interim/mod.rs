//! Components as they are configured only during a change.
//!
//! Owns what differs between the wanted topology and what a change applies on the way to it. Never
//! decides when it is applied: that is what the steps do.

mod carry_over;
mod expanded_owner;
mod forwarder;
mod target;

pub(super) use carry_over::{keep_peer_history, keep_peers, keep_volume_sizes};
pub(super) use expanded_owner::expanded_owner;
pub(super) use forwarder::forwarder_for;
pub(super) use target::target_topology;
