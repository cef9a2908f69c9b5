//! The protocol between peers: HTTP/1.1 over TCP with JSON bodies.
//!
//! Each request names its recipient, the component and the peer: an address that was resolved
//! earlier may by now belong to another peer. A form that changed has another path: a peer of another
//! release refuses the request, and never misreads it.

use super::attestation::{AttestationMessage, OperationTerms};
use crate::peer::{
    membership::{Fence, PeerTransition, Refusal},
    replica::{ItemCopy, ItemVersion, ListedItem, key_text},
};
use maquette_contract::{ItemKey, Record, Version};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The header that names the peer that a request is meant for: `<overlay>/<peer>`.
pub(super) const PEER_HEADER: &str = "maquette-peer";
/// The largest body, in bytes: a batch of copies, or a single one of the largest size.
pub(super) const MAX_BODY_BYTES: usize = 4 << 20;

/// A request from peer to peer.
pub(crate) trait PeerRequest: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The path that it is posted to.
    const PATH: &'static str;
    /// The body of the reply.
    type Response: Serialize + DeserializeOwned + Send + 'static;
}

/// Reads the recipient's copy of an item.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ReadRequest {
    #[serde(with = "key_text")]
    pub(crate) key: ItemKey,
    /// Whether the record is left out of the reply.
    pub(crate) version_only: bool,
    pub(crate) terms: OperationTerms,
}

/// The copy that a peer holds of an item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ReadReply {
    /// Whether a missing item counts; see [`crate::peer::membership::Phase::Joining`].
    pub(crate) counts_for_quorum: bool,
    /// The version on disk.
    pub(crate) version: Option<Version>,
    /// The record on disk; `None` if only the version was requested.
    pub(crate) record: Option<Record>,
    /// Whether it is a tombstone. A peer of an earlier version does not say it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) deleted: bool,
    /// Whether what is on disk cannot be used: it counts for no quorum.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) damaged: bool,
    pub(super) attestation: AttestationMessage,
}

impl ReadReply {
    /// Whether the reply has all that was requested.
    pub(super) fn is_complete(&self, version_only: bool) -> bool {
        version_only || self.version.as_ref() == self.record.as_ref().map(|record| &record.version)
    }
}

impl PeerRequest for ReadRequest {
    const PATH: &'static str = "/v2/read";
    type Response = ReadReply;
}

/// Stores copies unless newer ones are there. The reply is sent once they are on disk.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct WriteRequest {
    pub(crate) copies: Vec<ItemCopy>,
    /// `None` for repairs, which no quorum counts.
    pub(crate) terms: Option<OperationTerms>,
}

/// The copies of a write that are on disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct WriteReply {
    /// For each copy the version that is on disk: the one sent or a newer one.
    pub(crate) versions: Vec<Version>,
    /// `None` to a request without terms.
    pub(super) attestation: Option<AttestationMessage>,
}

impl PeerRequest for WriteRequest {
    const PATH: &'static str = "/v2/write";
    type Response = WriteReply;
}

/// Compares versions, to find the items that the recipient lacks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DigestRequest {
    /// The items that the sender holds.
    pub(crate) items: Vec<ItemVersion>,
}

impl PeerRequest for DigestRequest {
    const PATH: &'static str = "/v1/digest";
    /// For each item, whether neither that version nor a newer one is on disk.
    type Response = Vec<bool>;
}

/// Lists a page of the recipient's items.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ListRequest {
    /// The key after which the page starts, in the order of [`crate::storage::Position`].
    pub(crate) after: Option<String>,
    pub(crate) fence: Fence,
}

/// A page of the items that a peer holds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct ListReply {
    /// Whether missing items count; see [`crate::peer::membership::Phase::Joining`].
    pub(crate) counts_for_quorum: bool,
    /// The items, in the order of [`crate::storage::Position`]; empty at the end.
    pub(crate) items: Vec<ListedItem>,
    /// Why the list does not count.
    pub(super) refusal: Option<Refusal>,
}

impl PeerRequest for ListRequest {
    const PATH: &'static str = "/v2/page";
    type Response = ListReply;
}

/// Reads the layouts in force at the recipient.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct GetTransition {}

impl PeerRequest for GetTransition {
    const PATH: &'static str = "/v1/transition";
    type Response = PeerTransition;
}
