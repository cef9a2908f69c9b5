//! The trace of a request: all calls and queries, and the summary of items.

use crate::{Collection, ComponentName, Role, Version};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
