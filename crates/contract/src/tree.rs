//! The response to a request: its outcome and the trace of all calls and queries.

use crate::{Collection, ComponentName, ItemId, Role, Version};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The body of each response on the traffic port, also of errors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// The result of the request.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The calls and queries that the request made.
    pub trace: ResponseTree,
    /// Padding up to the component's `responseSize`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub padding: String,
}

/// The result of a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// An item that was read or written.
    #[serde(rename_all = "camelCase")]
    Item {
        /// The collection of the item.
        collection: Collection,
        /// The id, unique in the collection.
        id: ItemId,
        /// The version that was read or written.
        version: Version,
        /// The value that the user wrote.
        value: serde_json::Value,
    },
    /// The summary of all items.
    Summary(Summary),
    /// The reason of a failure, in one line.
    Error(String),
}

/// The result of `GET /summary`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// One entry for each collection that has items.
    pub collections: BTreeMap<Collection, CollectionSummary>,
    /// True if a store has more items than a summary reads: the numbers are lower bounds.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

/// The summary of one collection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CollectionSummary {
    /// The number of items.
    pub items: u64,
    /// The total size of the values as JSON, in bytes.
    pub bytes: u64,
    /// The newest version of an item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<Version>,
}

/// The part of one component in a response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResponseTree {
    /// The component that answered.
    pub component: ComponentName,
    /// The role of that component.
    pub role: Role,
    /// The pod that answered; empty if none did, in which case the caller made this entry.
    pub pod: String,
    /// The duration including calls and queries, in microseconds.
    pub micros: u64,
    /// The queries to stores or other peers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queries: Vec<Query>,
    /// The parts of the called components, in the order of completion.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<ResponseTree>,
    /// Why this part failed; absent if it succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// All queries with the same command to the same store or peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Query {
    /// The store's component or the peer's pod.
    pub to: String,
    /// The RESP command, or the request to a peer.
    pub command: String,
    /// The number of queries.
    pub count: u32,
    /// The total size of the responses' payload, in bytes.
    pub bytes: u64,
    /// The total duration, in microseconds.
    pub micros: u64,
    /// The version that was read or written, for queries about one item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// Why a query failed; absent if all succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
