//! Migration sources: the components from which a new owner of a collection migrates the items.
//!
//! The new owner writes to the source first (dual write), reads both and returns the newer version,
//! and copies items in the background (backfill). So the source stays complete as long as any
//! component uses it, and each reader of the source sees every acknowledged write.

use crate::{Address, Collection, ComponentName, ItemKey, Version};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A component that still stores items of a collection which this component owns now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MigrationSource {
    /// The store or the peers that store the items.
    pub component: ComponentName,
    /// Whether it is a store or peers; it determines the protocol.
    pub backend: SourceBackend,
    /// The address: the RESP port of a store, or the port of peers that serves [`internal_api`],
    /// [`crate::ports::INTERNAL`].
    pub address: Address,
    /// The collections to migrate; those that this component does not own are ignored.
    pub collections: CollectionSet,
    /// True if all other writers of the source have stopped: a backfill that starts under this
    /// configuration and completes is final.
    #[serde(default)]
    pub final_pass: bool,
}

/// How a migration source stores items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SourceBackend {
    /// In a store; writes use compare-and-set.
    Store,
    /// On peers; reads and writes use quorums.
    Peers,
}

/// A set of collections, which may be infinite.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CollectionSet {
    /// Only the collections in this set.
    Only(BTreeSet<Collection>),
    /// All collections except these.
    AllBut(BTreeSet<Collection>),
}

impl CollectionSet {
    /// True if `collection` is in the set.
    pub fn contains(&self, collection: &Collection) -> bool {
        match self {
            Self::Only(collections) => collections.contains(collection),
            Self::AllBut(collections) => !collections.contains(collection),
        }
    }
}

/// The progress of a pod's backfill from one migration source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MigrationObservation {
    /// The component that is the migration source.
    pub component: ComponentName,
    /// True if a pass that started under the reported revision has copied all items that this pod
    /// must copy.
    pub complete: bool,
    /// The number of items that the current pass has read from the source and stored at the target.
    pub copied: u64,
}

/// The HTTP API for the items that peers store themselves, for other components of the model, on a
/// port of its own: [`crate::ports::INTERNAL`]. It also works while the peers forward users' requests
/// to a successor.
///
/// - `GET /internal/items/{collection}/{id}` returns a [`crate::Record`] as JSON, or 404, or 422 if
///   the item is damaged: too few of its copies can be used.
/// - `PUT /internal/items/{collection}/{id}` stores a [`crate::Record`] unless the stored version
///   is newer, and returns 204 when it is durable. It is idempotent.
/// - `GET /internal/items?after=KEY` returns an [`internal_api::InternalPage`].
/// - `GET /internal/summary` returns a [`crate::Summary`].
pub mod internal_api {
    use super::{Deserialize, ItemKey, Serialize, Version};

    /// The path of the list of items, and the prefix of the path of an item.
    pub const ITEMS: &str = "/internal/items";
    /// The path of the summary.
    pub const SUMMARY: &str = "/internal/summary";
    /// The query parameter of a list: the page starts after this key; absent: the first page.
    pub const AFTER: &str = "after";

    /// A page of the list of all items that the peers store, in an unspecified order.
    #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct InternalPage {
        /// The items of this page.
        pub items: Vec<InternalItem>,
        /// The key after which the next page starts; absent on the last page.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub next: Option<String>,
    }

    /// An item of a page.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct InternalItem {
        /// The key of the item.
        pub key: ItemKey,
        /// A stored version: the newest that was acknowledged before the request, or a newer one.
        /// Of a damaged item, it may be older, and is absent if no copy is intact.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub version: Option<Version>,
        /// Whether what is stored, or one of its copies, cannot be used.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub damaged: bool,
        /// True if the item was deleted.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub deleted: bool,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collection_sets_contain_and_serialize() {
        let orders: Collection = "orders".parse().unwrap();
        let only = CollectionSet::Only([orders.clone()].into());
        let all_but = CollectionSet::AllBut([orders.clone()].into());
        assert!(only.contains(&orders) && !all_but.contains(&orders));
        assert!(all_but.contains(&"other".parse().unwrap()));
        let text = serde_json::to_string(&[only, all_but]).unwrap();
        assert_eq!(text, r#"[{"only":["orders"]},{"allBut":["orders"]}]"#);
    }
}
