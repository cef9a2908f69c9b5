//! Requests from peer to peer.
//!
//! Owns the protocol ([`wire`]; [`earlier_wire`] for peers of the version before), the port that
//! serves it, the connections, and the probe of the edge from the peers to themselves. It never
//! decides which peers own an item, and never repeats a request.

mod attestation;
mod client;
mod earlier_wire;
mod edge;
mod local_copies;
mod peer_network;
mod probe;
mod server;
mod wire;

pub(crate) use attestation::{Attestation, OperationTerms, digest_volumes};
pub(crate) use client::PeerRequestError;
pub(crate) use earlier_wire::can_keep_content;
pub(crate) use local_copies::LocalCopies;
pub(crate) use peer_network::PeerNetwork;
pub(crate) use probe::run_probes;
pub(crate) use server::router;
pub(crate) use wire::{DigestRequest, ListReply, ListRequest, ReadReply, ReadRequest};
