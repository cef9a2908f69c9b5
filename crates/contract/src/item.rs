//! Items: a JSON record under a collection and an id.

use crate::{Version, name::name};
use serde::{Deserialize, Serialize};
use std::fmt;

name!(
    /// Whose information an item is: the collection decides which component owns it.
    Collection, "collection", 24
);

/// The id of an item within its collection: 1 to 128 characters of `A-Z a-z 0-9 . _ ~ -`, which a URL's
/// path carries unescaped.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ItemId(String);

/// Why a string is not an item's id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("id {0:?} must be 1 to 128 characters of A-Z a-z 0-9 . _ ~ -")]
pub struct ItemIdError(String);

impl ItemId {
    /// The longest id, in characters.
    pub const MAX: usize = 128;

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ItemId {
    type Error = ItemIdError;
    fn try_from(value: String) -> Result<Self, Self::Error> {
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '~' | '-');
        // "." and ".." are path segments with a meaning of their own.
        let dots = value == "." || value == "..";
        if value.is_empty() || value.len() > Self::MAX || dots || !value.chars().all(good) {
            return Err(ItemIdError(value));
        }
        Ok(Self(value))
    }
}

impl From<ItemId> for String {
    fn from(id: ItemId) -> Self {
        id.0
    }
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Collection and id: what names an item in the whole Architecture. Its text, `<collection>/<id>`, is the key
/// in a store and what rendezvous hashing hashes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ItemKey {
    /// Whose information it is.
    pub collection: Collection,
    /// Which one of that collection.
    pub id: ItemId,
}

impl ItemKey {
    /// Parses `<collection>/<id>`; nothing else that somebody put into a store is an item.
    pub fn parse(text: &str) -> Option<Self> {
        let (collection, id) = text.split_once('/')?;
        Some(Self { collection: collection.parse().ok()?, id: id.to_owned().try_into().ok()? })
    }
}

impl fmt::Display for ItemKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.collection, self.id)
    }
}

/// What is kept of an item: its version and its value, as JSON `{"version": ..., "value": ...}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Which write this is; versions of an item order its writes.
    pub version: Version,
    /// What the user wrote.
    pub value: serde_json::Value,
}
