//! The settings of each shape, and their validation.
//!
//! Owns what a user may write about a shape and what must hold within it. It never compares two
//! shapes: that is `spec`'s.

mod client_server;
mod n_tier;
mod peer_to_peer;
mod three_tier;

pub use client_server::{Client, ClientServer};
pub use n_tier::{Call, CallMode, NTier, Service, ServiceStore};
pub use peer_to_peer::PeerToPeer;
pub use three_tier::ThreeTier;

pub(crate) use client_server::ValidClientServer;
pub(crate) use n_tier::{Ownership, ValidNTier, ValidService};
pub(crate) use peer_to_peer::ValidPeerToPeer;
pub(crate) use three_tier::ValidThreeTier;
