//! What peers say among themselves over TCP: HTTP/1.1 with bodies of JSON.
//!
//! Each request names the peer that it is meant for: an address that was resolved a moment ago may
//! by now be somebody else's.

use super::transition::PeerTransition;
use maquette_contract::{ItemKey, Record, Version};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Whom a request is meant for: `<overlay>/<peer>`.
pub(super) const RECIPIENT_HEADER: &str = "maquette-peer";
/// The largest body, in bytes: a batch of copies, or a single one of the largest size.
pub(super) const MAX_BODY_BYTES: usize = 4 << 20;

/// A request and its answer.
pub(super) trait PeerRequest: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The path.
    const PATH: &'static str;
    /// The answer.
    type Response: Serialize + DeserializeOwned + Send + 'static;
}

/// An item is written as `<collection>/<id>`.
mod key {
    use maquette_contract::ItemKey;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(key: &ItemKey, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(key)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<ItemKey, D::Error> {
        let text = String::deserialize(from)?;
        ItemKey::parse(&text).ok_or_else(|| D::Error::custom(format!("no item: {text:?}")))
    }
}

/// What do you hold of this item?
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ReadRequest {
    /// The item.
    #[serde(with = "key")]
    pub(super) key: ItemKey,
    /// Whether its version will do.
    pub(super) version_only: bool,
}

/// What a peer holds of an item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ReadReply {
    /// Whether "nothing" means something; see [`super::phase::Phase::Blank`].
    pub(super) counts_for_quorum: bool,
    /// The version on disk.
    pub(super) version: Option<Version>,
    /// The value on disk; none where the version was enough.
    pub(super) value: Option<serde_json::Value>,
}

impl PeerRequest for ReadRequest {
    const PATH: &'static str = "/v1/read";
    type Response = ReadReply;
}

/// Hold these, unless you have newer ones. The answer comes once they are on disk.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct WriteRequest {
    /// The items.
    pub(super) copies: Vec<ItemCopy>,
}

/// An item as it is copied.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ItemCopy {
    /// The item.
    #[serde(with = "key")]
    pub(super) key: ItemKey,
    /// What it says.
    pub(super) record: Record,
}

impl PeerRequest for WriteRequest {
    const PATH: &'static str = "/v1/write";
    /// The version on disk now, for each: the one given or a newer one.
    type Response = Vec<Version>;
}

/// Which of these do you lack?
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct DigestRequest {
    /// What the asker holds.
    pub(super) items: Vec<ItemVersion>,
}

/// An item and its version.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ItemVersion {
    /// The item.
    #[serde(with = "key")]
    pub(super) key: ItemKey,
    /// The version of it.
    pub(super) version: Version,
}

impl PeerRequest for DigestRequest {
    const PATH: &'static str = "/v1/digest";
    /// For each, whether it is lacking: neither that version nor a newer one is on disk.
    type Response = Vec<bool>;
}

/// Which items do you hold?
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ListRequest {
    /// The key after which to begin, in the order of [`crate::storage::Position`].
    pub(super) after: Option<String>,
}

/// A part of what a peer holds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct ListReply {
    /// Whether "nothing" means something; see [`super::phase::Phase::Blank`].
    pub(super) counts_for_quorum: bool,
    /// The items, in the order of [`crate::storage::Position`]; none at the end.
    pub(super) items: Vec<ListedItem>,
}

/// An item in a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ListedItem {
    /// The item.
    #[serde(with = "key")]
    pub(super) key: ItemKey,
    /// The version of it.
    pub(super) version: Version,
    /// The size of its value, in bytes of JSON.
    pub(super) bytes: u64,
}

impl PeerRequest for ListRequest {
    const PATH: &'static str = "/v1/page";
    type Response = ListReply;
}

/// Where do you stand?
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct GetTransition {}

impl PeerRequest for GetTransition {
    const PATH: &'static str = "/v1/standing";
    type Response = PeerTransition;
}
