//! Membership: which peers share the items, and how they move from one layout to the next.
//!
//! Owns the state of a peer and the reports of the others ([`PeerState`]), the rules by which its own
//! state changes ([`MemberState`], [`LayoutTransition`]), the file that keeps it, and gossip. Only
//! [`MembershipDriver`] changes the state. It never reads or writes items, and sends requests to
//! other peers only through [`MemberLinks`].

mod driver;
mod fence;
mod gossip;
mod layout;
mod members;
mod memory;
mod peer_state;
mod phase;
mod ready;
mod report;
mod state_file;
mod transition;
mod voting;

pub(crate) use driver::{MemberLinks, MembershipDriver, StartedVolume};
pub(crate) use fence::{Fence, Refusal};
pub(crate) use gossip::{Gossip, GossipError, GossipIdentity};
pub(crate) use layout::{Layout, LayoutId, second_vote};
pub(crate) use members::Members;
pub(crate) use memory::{VolumeId, VolumeProgress};
#[cfg(test)]
pub(crate) use memory::{VolumeMemory, VolumeTrust};
pub(crate) use peer_state::PeerState;
pub(crate) use phase::{MemberState, Phase};
pub(crate) use ready::{ItemCounts, join_blocker, replication_blocker, under_replicated};
#[cfg(test)]
pub(crate) use report::{GossipReport, ObservedPeer};
pub(crate) use report::{Reports, TransitionStep, Volumes};
pub(crate) use state_file::{StateFile, StateFileError};
pub(crate) use transition::{LayoutTransition, PeerTransition};
