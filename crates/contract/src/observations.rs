//! The report of a pod on `/observations`: JSON of bounded size.

use crate::{ComponentName, MigrationObservation, Revision};
use serde::{Deserialize, Serialize};

/// The report of a pod. It has no timestamp: the reader records when it got the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Observations {
    /// The component of the pod.
    pub component: ComponentName,
    /// The name of the pod.
    pub pod: String,
    /// The configuration that applies to new requests.
    pub revision: Revision,
    /// The number of requests in flight that started under an older configuration.
    pub older_requests: u32,
    /// One entry for each edge in the configuration that starts at this component.
    #[serde(default)]
    pub edges: Vec<EdgeObservation>,
    /// The requests that this pod answered; empty for a load, see [`Observations::load`].
    #[serde(default)]
    pub served: Traffic,
    /// One entry for each migration source in the configuration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub migration_sources: Vec<MigrationObservation>,
    /// For a store or peer: the number of stored items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<u64>,
    /// The damaged items that this pod knows: of a peer, its own copies; of other pods, those in
    /// the backends that they query.
    #[serde(default, skip_serializing_if = "DamagedItems::is_empty")]
    pub damaged_items: DamagedItems,
    /// For a store or peer: the state of its volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<VolumeObservation>,
    /// Present for a peer only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<PeerObservation>,
    /// Present for a load only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<LoadObservation>,
}

/// Items that are kept but cannot be read: what is stored is not a record, or its version is too
/// far ahead.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DamagedItems {
    /// The number of items; at [`DamagedItems::MAX_COUNT`], there may be more.
    pub count: u64,
    /// The keys of the first [`DamagedItems::MAX_EXAMPLES`] of them.
    pub examples: Vec<String>,
}

impl DamagedItems {
    /// The most items that a pod counts for each backend.
    pub const MAX_COUNT: usize = 1000;
    /// The most keys in a report.
    pub const MAX_EXAMPLES: usize = 5;

    /// Whether no damaged item is known.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds the items of another backend.
    pub fn add(&mut self, other: Self) {
        self.count += other.count;
        self.examples.extend(other.examples);
        self.examples.truncate(Self::MAX_EXAMPLES);
    }
}

/// The volume of a store or peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumeObservation {
    /// Its size, in bytes.
    pub bytes: u64,
    /// Its free space, in bytes.
    pub free_bytes: u64,
    /// Writes are refused because too little is free; reads and deletes are served.
    pub full: bool,
}

/// The state of an edge, as the pod at its start sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EdgeObservation {
    /// The component at the end of the edge.
    pub to: ComponentName,
    /// The result of the last probe.
    pub probe: Probe,
    /// The requests over this edge.
    pub traffic: Traffic,
}

/// The result of the last probe of an edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase")]
pub enum Probe {
    /// No probe has completed under this configuration.
    Pending,
    /// The component at the end of the edge answered.
    Works,
    /// The last probe failed or timed out.
    #[serde(rename_all = "camelCase")]
    Fails {
        /// The reason, in one line, for humans.
        message: String,
    },
}

/// The requests of the last [`Traffic::WINDOW_SECONDS`] seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Traffic {
    /// The number of completed requests.
    pub requests: u64,
    /// The number of failed requests: a timeout or a server error.
    pub failures: u64,
    /// The median latency, in microseconds; 0 without requests.
    pub p50_micros: u64,
    /// The 99th percentile of the latency, in microseconds; 0 without requests.
    pub p99_micros: u64,
    /// Whole seconds since the last request that succeeded, also if that was before the window;
    /// none if none has succeeded since the pod started. A failure does not set it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_seconds: Option<u64>,
}

impl Traffic {
    /// The length of the window, in seconds.
    pub const WINDOW_SECONDS: u64 = 15;

    /// Whether a request has succeeded since the pod started.
    pub fn has_success(&self) -> bool {
        self.requests > self.failures || self.idle_seconds.is_some()
    }

    /// Whether a request succeeded in the window or in the last `seconds`.
    pub fn has_success_within(&self, seconds: u64) -> bool {
        self.requests > self.failures || self.idle_seconds.is_some_and(|idle| idle <= seconds)
    }
}

/// The other peers and the copies of items, as a peer sees them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PeerObservation {
    /// The names of the live members, including itself, sorted.
    pub members: Vec<String>,
    /// The number of its items that are not known to have all their copies.
    pub under_replicated: u64,
}

/// The results of the load since the pod started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadObservation {
    /// The number of requests sent.
    pub sent: u64,
    /// The number of requests with the expected response.
    pub succeeded: u64,
    /// The number of requests without the expected response.
    pub failed: u64,
    /// The number of acknowledged writes that are lost: a later read found no item or an older one.
    /// So is a version that a read has found.
    pub lost_writes: u64,
    /// The number of answers that contradict earlier ones: the value of another version or item, a
    /// value that was never written, a write whose version is not above the known one.
    #[serde(default)]
    pub wrong_answers: u64,
    /// The number of requests that were due and not sent, because the load itself was suspended or
    /// at one of its limits. They do not count as failed.
    #[serde(default)]
    pub dropped: u64,
    /// The number of requests sent later than [`LoadObservation::LATE_MILLIS`] after they were due.
    #[serde(default)]
    pub late: u64,
    /// The longest time from when a request was due until it was sent, in the last
    /// [`Traffic::WINDOW_SECONDS`] seconds.
    #[serde(default)]
    pub max_lag_millis: u64,
    /// Whether, at some time in the last [`LoadObservation::BEHIND_SECONDS`], clearly more than one in
    /// a hundred of the requests of a window, and at least five, were late or dropped: its rate and its
    /// latencies are not those that were asked for.
    #[serde(default)]
    pub generator_behind: bool,
    /// Whole seconds that the load has waited for its first answer; none once it has one. Until then
    /// the virtual users do not start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_seconds: Option<u64>,
}

impl LoadObservation {
    /// A request that is sent later than this after it was due is late.
    pub const LATE_MILLIS: u64 = 100;
    /// How long the figures count as invalid after the last window with too many late or dropped
    /// requests.
    pub const BEHIND_SECONDS: u64 = 300;
}
