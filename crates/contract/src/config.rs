//! The configuration of a component: one JSON document that all pods of the component share.

use crate::{ArchitectureName, Collection, ComponentName, MigrationSource, Revision, Role, Routes};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a component is and does, as the operator writes it into the component's ConfigMap and the workload
/// reads it, also while it runs.
///
/// The same for all pods of the component: a pod learns its own name from its environment. It never
/// holds anything that the component has no business to know; above all, a service that must not reach
/// a store has no address of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ComponentConfig {
    /// The Architecture that the component belongs to.
    pub architecture: ArchitectureName,
    /// The component's own name.
    pub component: ComponentName,
    /// What it does.
    #[serde(flatten)]
    pub role: RoleConfig,
}

impl ComponentConfig {
    /// The document as it stands in the ConfigMap.
    ///
    /// # Errors
    /// None that a value of this type can cause; serde's signature is kept.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }

    /// Parses the document.
    ///
    /// # Errors
    /// A message that names the line, the column and the field.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The revision of a document, as pods report it: a hash of its text.
    pub fn revision_of(text: &str) -> Revision {
        Revision::of_bytes(text.as_bytes())
    }

    /// The component's role.
    pub fn role(&self) -> Role {
        match self.role {
            RoleConfig::Service(_) => Role::Service,
            RoleConfig::Store(_) => Role::Store,
            RoleConfig::Peer(_) => Role::Peer,
            RoleConfig::Load(_) => Role::Load,
        }
    }
}

/// The role and its settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "camelCase")]
pub enum RoleConfig {
    /// Answers requests.
    Service(ServiceConfig),
    /// Keeps items for services.
    Store(StoreConfig),
    /// Keeps its share of the items and answers requests.
    Peer(PeerConfig),
    /// Plays the end users.
    Load(LoadConfig),
}

/// `host:port`, the host a DNS name or an IP address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Address(pub String);

impl Address {
    /// The address of `port` at `host`.
    pub fn new(host: &str, port: u16) -> Self {
        Self(format!("{host}:{port}"))
    }

    /// `http://host:port`.
    pub fn http_url(&self) -> String {
        format!("http://{self}")
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An integer from 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Percent(u8);

impl Percent {
    /// 0 percent: never.
    pub const NEVER: Self = Self(0);
    /// 100 percent: always.
    pub const ALWAYS: Self = Self(100);

    /// The percentage as a number from 0 to 100.
    pub fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Percent {
    type Error = String;
    fn try_from(value: u8) -> Result<Self, String> {
        if value <= 100 { Ok(Self(value)) } else { Err(format!("{value} is above 100 percent")) }
    }
}

impl From<Percent> for u8 {
    fn from(percent: Percent) -> u8 {
        percent.0
    }
}

/// The work that a request costs besides calls and queries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestWork {
    /// How long the component computes; absent: no longer than it needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processing_time: Option<ProcessingTime>,
    /// The least size of an answer, in bytes: smaller ones are padded. 0 pads none.
    #[serde(default)]
    pub response_bytes: u64,
}

/// Quantiles of the processing time, in microseconds; never falling from one to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessingTime {
    /// Half of all requests take no longer.
    pub p50_micros: u64,
    /// Nine in ten take no longer.
    pub p90_micros: u64,
    /// 99 in 100 take no longer.
    pub p99_micros: u64,
}

/// A service: how it answers requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceConfig {
    /// The work of a request.
    #[serde(default)]
    pub work: RequestWork,
    /// How a summary calls the components below.
    pub mode: CallMode,
    /// The components that this one may call.
    #[serde(default)]
    pub calls: Vec<Call>,
    /// The store that this one may query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreTarget>,
    /// Where a request for each collection goes.
    pub routes: Routes,
    /// Old homes of items of collections that this component owns now, while it takes them over. No collection is in
    /// two of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub migration_sources: Vec<MigrationSource>,
}

/// Whether calls are made one after another or all at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CallMode {
    /// One after another, in the order given.
    Sequential,
    /// All at once.
    Parallel,
}

/// A declared `Calls` edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// The component called.
    pub component: ComponentName,
    /// Its traffic port.
    pub address: Address,
    /// How often a summary makes this call. Requests for an item always follow their route.
    pub probability_percent: Percent,
}

/// A declared `Queries` edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreTarget {
    /// The store queried.
    pub component: ComponentName,
    /// Its RESP port.
    pub address: Address,
}

/// A store has no settings of its own: the volume is the pod's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreConfig {}

/// A peer: who its fellows are and how many of them hold an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PeerConfig {
    /// The work of a request.
    #[serde(default)]
    pub work: RequestWork,
    /// How many peers hold each item; at most as many as there are members.
    pub replication_factor: u32,
    /// All peers that hold items when every one is up, this one too. A running peer that is not
    /// listed hands its items over.
    pub members: Vec<PeerMember>,
    /// Old homes of items, while the peers take them over. No collection is in two of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub migration_sources: Vec<MigrationSource>,
    /// Who answers users' requests instead of the peers, which then only forward them; absent while
    /// the peers answer themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<Successor>,
}

/// Who answers users' requests once the peers are not wanted any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Successor {
    /// The component.
    pub component: ComponentName,
    /// Its traffic port.
    pub address: Address,
}

/// A peer as its fellows know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PeerMember {
    /// The pod's name: it outlives a restart, as does the volume.
    pub name: String,
    /// The port for gossip (UDP) and copies (TCP), by DNS name.
    pub address: Address,
}

/// The end users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadConfig {
    /// Where the requests go, in turn.
    pub targets: Vec<LoadTarget>,
    /// Requests begun in each second, over all targets.
    pub requests_per_second: u32,
    /// How many of the requests write an item.
    pub write_percent: Percent,
    /// How many of the requests ask for the summary. What remains reads items.
    pub summary_percent: Percent,
    /// How many different items are written and read, over all collections.
    pub items: u32,
    /// The collections of those items, in turn.
    pub collections: Vec<Collection>,
}

/// A declared `Drives` edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadTarget {
    /// The component driven.
    pub component: ComponentName,
    /// Its traffic port, or the entry Service for the entry.
    pub address: Address,
}
