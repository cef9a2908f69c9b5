//! The key of an item: its collection and its id.

use crate::name::name;
use serde::{Deserialize, Serialize};
use std::fmt;

name!(
    /// The collection of an item: it determines the component that owns the item.
    Collection, "collection", 24
);

/// The id of an item within its collection: 1 to 128 characters of `A-Z a-z 0-9 . _ ~ -`, which
/// need no escaping in the path of a URL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ItemId(String);

/// A string that is not a valid id of an item.
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
        // "." and ".." have a special meaning as path segments.
        let is_dots = value == "." || value == "..";
        let is_valid =
            value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '~' | '-'));
        if value.is_empty() || value.len() > Self::MAX || is_dots || !is_valid {
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

/// Collection and id: unique in the Architecture. Its text, `<collection>/<id>`, is the key in a
/// store and the input of rendezvous hashing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ItemKey {
    /// The collection; it determines the owner.
    pub collection: Collection,
    /// The id, unique in the collection.
    pub id: ItemId,
}

impl ItemKey {
    /// Parses `<collection>/<id>`; none for other keys that a store may hold.
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
