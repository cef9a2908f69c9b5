//! The answer to a request: what was asked for, and the tree of what it took.

use crate::{Collection, ComponentName, ItemId, Role, Version};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The body of every answer on the traffic port, also of those that fail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// What was asked for.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// How the answer came about.
    pub trace: ResponseTree,
    /// Filler up to the component's `responseSize`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub padding: String,
}

/// What a request ended with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// An item read or written.
    #[serde(rename_all = "camelCase")]
    Item {
        /// Whose information it is.
        collection: Collection,
        /// Which one.
        id: ItemId,
        /// Which write of it this is.
        version: Version,
        /// What it says.
        value: serde_json::Value,
    },
    /// The summary of all information.
    Summary(Summary),
    /// Nothing, and why.
    Error(String),
}

/// What `GET /summary` gathers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// One entry for each collection of which there are items.
    pub collections: BTreeMap<Collection, CollectionSummary>,
    /// True if a store held more items than a summary looks at, so that counts are too low.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

/// A collection in a summary.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CollectionSummary {
    /// How many items there are.
    pub items: u64,
    /// The size of their values, in bytes of JSON.
    pub bytes: u64,
    /// The newest version among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<Version>,
}

/// One component's part in an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResponseTree {
    /// The component that answered.
    pub component: ComponentName,
    /// Its role.
    pub role: Role,
    /// The pod of the component; empty if none answered, and the caller tells of it.
    pub pod: String,
    /// How long it took, with all that is below, in microseconds.
    pub micros: u64,
    /// What it asked stores or other peers for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queries: Vec<Query>,
    /// The answers of the components that it called, in the order of their ends.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<ResponseTree>,
    /// Why this part failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Queries of one sort to one store or peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Query {
    /// The store's component or the peer's pod.
    pub to: String,
    /// What was asked: a RESP command, or what a peer is asked for.
    pub command: String,
    /// How many such queries were made.
    pub count: u32,
    /// Bytes of the answers' payload.
    pub bytes: u64,
    /// How long they took together, in microseconds.
    pub micros: u64,
    /// The version that was found or written, where the query is about one item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// Why it failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
