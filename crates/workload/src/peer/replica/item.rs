//! Items as they are stored and sent from peer to peer.

use super::ReplicaError;
use bytes::Bytes;
use maquette_contract::{ItemKey, Record, RecordHead, Version};
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
    /// `None` if no copy in the list is intact.
    pub(crate) version: Option<Version>,
    /// The size of its value, in bytes of JSON; none if it was deleted or damaged.
    pub(crate) bytes: Option<u64>,
    /// Whether a copy is damaged: another copy may be newer than the version in the list.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) damaged: bool,
}

impl ListedItem {
    /// Takes a version that is too far ahead of the own clock for a damaged copy.
    pub(crate) fn refuse_ahead(&mut self, now_millis: u64) {
        let version = self.version.as_ref();
        if version.is_some_and(|version| version.check_not_ahead(now_millis).is_err()) {
            (self.version, self.bytes, self.damaged) = (None, None, true);
        }
    }
}

/// An item in a page of the disk.
#[derive(Clone, Debug)]
pub(crate) enum PageEntry {
    Intact(ItemOnDisk),
    Damaged(ItemKey),
}

impl PageEntry {
    pub(crate) fn key(&self) -> &ItemKey {
        match self {
            Self::Intact(item) => &item.key,
            Self::Damaged(key) => key,
        }
    }

    pub(super) fn into_listed(self) -> ListedItem {
        match self {
            Self::Intact(ItemOnDisk { key, head, .. }) => ListedItem {
                key,
                version: Some(head.version),
                bytes: head.value_bytes,
                damaged: false,
            },
            Self::Damaged(key) => ListedItem { key, version: None, bytes: None, damaged: true },
        }
    }
}

/// An item as it is on disk.
#[derive(Clone, Debug)]
pub(crate) struct ItemOnDisk {
    pub(crate) key: ItemKey,
    pub(crate) head: RecordHead,
    /// The record as JSON.
    pub(crate) bytes: Bytes,
}

impl ItemOnDisk {
    /// The copy to send to another peer.
    pub(crate) fn to_copy(&self) -> Result<ItemCopy, ReplicaError> {
        let record = serde_json::from_slice(&self.bytes)
            .map_err(|source| ReplicaError::NotARecord { key: self.key.clone(), source })?;
        Ok(ItemCopy { key: self.key.clone(), record })
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
