//! Origins: where items still are whose collection gets a new owner, while the new one takes them over.
//!
//! The new owner writes through to the origin first, reads both and takes the newer, and copies in
//! the background. So the origin stays complete until nobody asks it any more, and whoever still
//! asks it sees every acknowledged write.

use crate::{Address, Collection, ComponentName, ItemKey, Version};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// An old home of items that this component takes over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MigrationSource {
    /// The store or the peers that hold the items.
    pub component: ComponentName,
    /// What that component is, which decides how it is asked.
    pub backend: SourceBackend,
    /// A store's RESP port; the traffic port of peers, for [`internal_api`].
    pub address: Address,
    /// The collections whose items come from there; only those count that this component owns.
    pub collections: CollectionSet,
    /// Whether everybody else who wrote there has stopped: a copy that is complete under this
    /// configuration is complete for good.
    #[serde(default)]
    pub final_pass: bool,
}

/// How an origin keeps items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SourceBackend {
    /// In a store, written by comparing and setting.
    Store,
    /// At peers, read and written by quorum.
    Peers,
}

/// A set of collections: some, or all but some.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CollectionSet {
    /// Just these.
    Only(BTreeSet<Collection>),
    /// Every collection but these.
    AllBut(BTreeSet<Collection>),
}

impl CollectionSet {
    /// Whether `collection` is among them.
    pub fn contains(&self, collection: &Collection) -> bool {
        match self {
            Self::Only(collections) => collections.contains(collection),
            Self::AllBut(collections) => !collections.contains(collection),
        }
    }
}

/// What a pod reports of the copy from one of its origins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MigrationObservation {
    /// The origin.
    pub component: ComponentName,
    /// Whether everything that this pod is to copy was copied, in a pass that began under the
    /// reported revision.
    pub complete: bool,
    /// Items of the origin that were looked at and are in their new home, in the newest pass.
    pub copied: u64,
}

/// How peers are asked for what they themselves hold, whoever answers users' requests by now: paths
/// beside those of users, on the traffic port.
///
/// `GET /internal/items/{collection}/{id}` answers a [`crate::Record`] as JSON, or 404 if there is none.
/// `PUT /internal/items/{collection}/{id}` takes a [`crate::Record`] and keeps it unless a newer one is there;
/// 204 once it is durable. Repeating it changes nothing. `GET /internal/items?after=KEY` answers a
/// [`internal_api::InternalPage`]. `GET /internal/summary` answers a [`crate::Summary`].
pub mod internal_api {
    use super::{Deserialize, ItemKey, Serialize, Version};

    /// The path of items, and of the list of them.
    pub const ITEMS: &str = "/internal/items";
    /// The path of the summary.
    pub const SUMMARY: &str = "/internal/summary";
    /// The query parameter of a list: the key after which it begins; without it, at the beginning.
    pub const AFTER: &str = "after";

    /// A page of the list of all items that the peers hold, in an order of their own.
    #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct InternalPage {
        /// The items.
        pub items: Vec<InternalItem>,
        /// What the next page begins after; absent on the last page.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub next: Option<String>,
    }

    /// An item of a page.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct InternalItem {
        /// Which item.
        pub key: ItemKey,
        /// A version of it that the peers hold, and the newest that was acknowledged before the
        /// page was asked for, or a later one.
        pub version: Version,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_collections_says_what_is_in_it_and_reads_well() {
        let orders: Collection = "orders".parse().unwrap();
        let only = CollectionSet::Only([orders.clone()].into());
        let all_but = CollectionSet::AllBut([orders.clone()].into());
        assert!(only.contains(&orders) && !all_but.contains(&orders));
        assert!(all_but.contains(&"other".parse().unwrap()));
        let text = serde_json::to_string(&[only, all_but]).unwrap();
        assert_eq!(text, r#"[{"only":["orders"]},{"allBut":["orders"]}]"#);
    }
}
