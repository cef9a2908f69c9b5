//! Items as they are stored and sent from peer to peer.

use super::{ReplicaError, record::parse_head};
use bytes::Bytes;
use maquette_contract::{ItemKey, Record, Version};
use serde::{Deserialize, Serialize};

/// A copy of an item, as one peer sends it to another.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ItemCopy {
    #[serde(with = "key_text")]
    pub(crate) key: ItemKey,
    pub(crate) record: Record,
}

/// A version of an item, without its value.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ItemVersion {
    #[serde(with = "key_text")]
    pub(crate) key: ItemKey,
    pub(crate) version: Version,
}

/// An item in a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ListedItem {
    #[serde(with = "key_text")]
    pub(crate) key: ItemKey,
    pub(crate) version: Version,
    /// The size of its value, in bytes of JSON; none if it was deleted.
    pub(crate) bytes: Option<u64>,
}

/// An item as it is on disk.
#[derive(Clone, Debug)]
pub(crate) struct ItemOnDisk {
    pub(crate) key: ItemKey,
    pub(crate) version: Version,
    /// The record as JSON.
    pub(crate) bytes: Bytes,
}

impl ItemOnDisk {
    /// The copy to send to another peer.
    pub(crate) fn to_copy(&self) -> Result<ItemCopy, ReplicaError> {
        let record = serde_json::from_slice(&self.bytes)
            .map_err(|source| ReplicaError::Damaged { key: self.key.to_string(), source })?;
        Ok(ItemCopy { key: self.key.clone(), record })
    }

    /// The entry of the item in a list.
    pub(super) fn to_listed(&self) -> Result<ListedItem, ReplicaError> {
        let head = parse_head(self.key.to_string().as_bytes(), &self.bytes)?;
        Ok(ListedItem { key: self.key.clone(), version: head.version, bytes: head.value_bytes })
    }
}

/// Serializes a key as `<collection>/<id>`.
pub(crate) mod key_text {
    use maquette_contract::ItemKey;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(key: &ItemKey, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(key)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<ItemKey, D::Error> {
        let text = String::deserialize(from)?;
        ItemKey::parse(&text)
            .ok_or_else(|| D::Error::custom(format!("{text:?} is not <collection>/<id>")))
    }
}
