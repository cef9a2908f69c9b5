//! What a pod reports of itself on `/observations`: small, bounded JSON.

use crate::{ComponentName, MigrationObservation, Revision};
use serde::{Deserialize, Serialize};

/// A pod's report of itself. It is true of the moment of its making; the reader notes the time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Observations {
    /// The pod's component.
    pub component: ComponentName,
    /// The pod.
    pub pod: String,
    /// The configuration that new requests are answered under.
    pub revision: Revision,
    /// Requests still under way that began under an older configuration.
    pub older_requests: u32,
    /// One entry for each edge that the configuration declares from this component.
    #[serde(default)]
    pub edges: Vec<EdgeObservation>,
    /// The requests that this pod answered; for a load, see [`Observations::load`].
    #[serde(default)]
    pub served: Traffic,
    /// One entry for each origin that the configuration names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub migration_sources: Vec<MigrationObservation>,
    /// For a store or peer: the items that it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<u64>,
    /// For a peer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<PeerObservation>,
    /// For a load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<LoadObservation>,
}

/// How a declared edge does, as its source sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EdgeObservation {
    /// The component at the other end.
    pub to: ComponentName,
    /// The newest probe.
    pub probe: Probe,
    /// Requests over this edge.
    pub traffic: Traffic,
}

/// The outcome of the newest probe of an edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase")]
pub enum Probe {
    /// None has ended yet under this configuration.
    Pending,
    /// The other end answered.
    Works,
    /// It did not, and why.
    #[serde(rename_all = "camelCase")]
    Fails {
        /// One line for a person to read.
        message: String,
    },
}

/// Requests of the last [`Traffic::WINDOW_SECONDS`] seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Traffic {
    /// Requests ended.
    pub requests: u64,
    /// Those of them that failed: no answer in time, or a server error.
    pub failures: u64,
    /// Half of them took no longer, in microseconds; 0 if there was none.
    pub p50_micros: u64,
    /// 99 in 100 of them took no longer, in microseconds; 0 if there was none.
    pub p99_micros: u64,
}

impl Traffic {
    /// The length of the window, in seconds.
    pub const WINDOW_SECONDS: u64 = 15;
}

/// What a peer sees of its fellows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PeerObservation {
    /// Names of the live members that it sees, itself among them, in order.
    pub members: Vec<String>,
    /// Items that it holds and that, as far as it knows, do not yet have all their copies.
    pub under_replicated: u64,
}

/// What the end users lived through since the pod started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadObservation {
    /// Requests sent.
    pub sent: u64,
    /// Requests answered as they should be.
    pub succeeded: u64,
    /// Requests that were not.
    pub failed: u64,
    /// Acknowledged writes that a later read did not find: the item was gone or older.
    pub lost_writes: u64,
}
