//! The configuration of a component: one JSON document for all its pods.

mod load;
mod migration;
mod route;

pub use load::{Arrivals, ClosedLoop, LoadConfig, LoadTarget, Ramp};
pub use migration::{
    CollectionSet, MigrationObservation, MigrationSource, SourceBackend, internal_api,
};
pub use route::{Hop, Routes};

use crate::{ArchitectureName, ArchitectureUid, ComponentIdentity, ComponentName, Revision, Role};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The configuration of a component. The operator writes it to the component's ConfigMap; the
/// workload reads it at start and whenever it changes.
///
/// It is the same for all pods of the component: a pod reads its own name from its environment. It
/// holds addresses only of components to which an edge leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ComponentConfig {
    /// The Architecture that the component belongs to.
    pub architecture: ArchitectureName,
    /// The UID of that Architecture; absent without a cluster and in documents of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture_uid: Option<ArchitectureUid>,
    /// The name of the component.
    pub component: ComponentName,
    /// The role and its settings.
    #[serde(flatten)]
    pub role: RoleConfig,
}

/// Why a document is not used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigFormatError {
    /// No version writes such a text; the message names the line, the column and the field.
    #[error(transparent)]
    Damaged(serde_json::Error),
    /// Another version wrote it, and its fields may mean something else.
    #[error(
        "its schemaVersion is {0}, but this version of Maquette reads schemaVersion {known} only",
        known = ComponentConfig::SCHEMA_VERSION
    )]
    SchemaVersion(u64),
}

/// The one field that each document has, whatever its version.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DocumentHead {
    /// Absent in documents of earlier releases, which have the first version.
    schema_version: Option<u64>,
}

/// A document as it is written.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    schema_version: u64,
    #[serde(flatten)]
    config: &'a ComponentConfig,
}

impl ComponentConfig {
    /// The version of the document's fields. It grows with each change that an earlier version
    /// would misunderstand; a field that it may ignore is no such change.
    pub const SCHEMA_VERSION: u64 = 1;

    /// The document for the ConfigMap.
    ///
    /// # Errors
    /// None: every value of this type can be written. The signature is that of serde.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let document = Document { schema_version: Self::SCHEMA_VERSION, config: self };
        serde_json::to_string_pretty(&document)
    }

    /// Parses the document.
    ///
    /// # Errors
    /// If it is not valid, or of another schema version.
    pub fn from_json(text: &str) -> Result<Self, ConfigFormatError> {
        let DocumentHead { schema_version } =
            serde_json::from_str(text).map_err(ConfigFormatError::Damaged)?;
        match schema_version {
            None | Some(Self::SCHEMA_VERSION) => {}
            Some(other) => return Err(ConfigFormatError::SchemaVersion(other)),
        }
        serde_json::from_str(text).map_err(ConfigFormatError::Damaged)
    }

    /// The component that the document is about.
    pub fn identity(&self) -> ComponentIdentity {
        ComponentIdentity {
            architecture: self.architecture.clone(),
            uid: self.architecture_uid.clone(),
            former_uid: None,
            component: self.component.clone(),
        }
    }

    /// The revision of a document, as pods report it: a hash of its text.
    pub fn revision_of(text: &str) -> Revision {
        Revision::of_bytes(text.as_bytes())
    }

    /// The role without its settings.
    pub fn role(&self) -> Role {
        match self.role {
            RoleConfig::Service(_) => Role::Service,
            RoleConfig::Store(_) => Role::Store,
            RoleConfig::Peer(_) => Role::Peer,
            RoleConfig::Load(_) => Role::Load,
        }
    }
}

/// The settings of each role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "camelCase")]
pub enum RoleConfig {
    /// Answers requests by calls and queries.
    Service(ServiceConfig),
    /// Stores items for services.
    Store(StoreConfig),
    /// Stores a share of the items and answers requests.
    Peer(PeerConfig),
    /// Sends requests that simulate end users.
    Load(LoadConfig),
}

/// `host:port`, the host a DNS name or an IP address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Address(pub String);

impl Address {
    /// Joins `host` and `port`.
    pub fn new(host: &str, port: u16) -> Self {
        Self(format!("{host}:{port}"))
    }

    /// The URL `http://host:port`, without a path.
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
    /// 0 percent: it never happens.
    pub const NEVER: Self = Self(0);
    /// 100 percent: it always happens.
    pub const ALWAYS: Self = Self(100);

    /// The percentage, from 0 to 100.
    pub fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Percent {
    type Error = String;
    fn try_from(value: u8) -> Result<Self, String> {
        if value <= 100 { Ok(Self(value)) } else { Err(format!("{value} is above 100")) }
    }
}

impl From<Percent> for u8 {
    fn from(percent: Percent) -> u8 {
        percent.0
    }
}

/// The simulated work of a request, in addition to calls and queries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestWork {
    /// The simulated computing time; absent: as fast as possible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processing_time: Option<ProcessingTime>,
    /// The minimum size of a response, in bytes: smaller responses are padded. 0: no padding.
    #[serde(default)]
    pub response_bytes: u64,
}

/// Quantiles of the computing time, in microseconds. A higher quantile is not less than a lower
/// one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessingTime {
    /// 50 percent of the requests take at most this time.
    pub p50_micros: u64,
    /// 90 percent of the requests take at most this time.
    pub p90_micros: u64,
    /// 99 percent of the requests take at most this time.
    pub p99_micros: u64,
}

/// The settings of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceConfig {
    /// The simulated work of each request.
    #[serde(default)]
    pub work: RequestWork,
    /// How a summary request makes the calls.
    pub mode: CallMode,
    /// The components that this component may call.
    #[serde(default)]
    pub calls: Vec<Call>,
    /// The store that this component may query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreTarget>,
    /// The next hop of each collection.
    pub routes: Routes,
    /// The sources from which this component migrates items of collections that it owns now. No
    /// collection is in two of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub migration_sources: Vec<MigrationSource>,
}

/// How a summary request makes its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CallMode {
    /// One after another, in the order of the list.
    Sequential,
    /// All calls at once.
    Parallel,
}

/// An edge of kind `Calls`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// The name of the called component.
    pub component: ComponentName,
    /// The address of its traffic port.
    pub address: Address,
    /// The percentage of summary requests that make this call. Requests for an item follow the
    /// route of its collection.
    pub probability_percent: Percent,
}

/// An edge of kind `Queries`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreTarget {
    /// The name of the queried store.
    pub component: ComponentName,
    /// The address of its RESP port.
    pub address: Address,
}

/// The settings of a store: none. The volume is part of the pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreConfig {}

/// The settings of peers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PeerConfig {
    /// The simulated work of each request.
    #[serde(default)]
    pub work: RequestWork,
    /// The number of peers that store each item; at most the number of members.
    pub replication_factor: u32,
    /// All peers that store items, including this one. A running peer that is not in the list hands
    /// its items over to the members.
    pub members: Vec<PeerMember>,
    /// Whether the peers began with other members. Until then, new volumes begin to serve once a
    /// majority of the members have started; afterwards a new volume always waits until the others
    /// have filled it. Never false again once it is true.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub members_changed: bool,
    /// The sources from which the peers migrate items. No collection is in two of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub migration_sources: Vec<MigrationSource>,
    /// The component to which the peers forward users' requests; absent: the peers answer them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<Successor>,
}

/// The component that answers users' requests instead of peers that will be deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Successor {
    /// The component that answers.
    pub component: ComponentName,
    /// The address of its traffic port.
    pub address: Address,
}

/// A member of the peers: its name and address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PeerMember {
    /// The name of the pod; like the volume, it stays the same after a restart.
    pub name: String,
    /// The DNS name of the pod, and the port for gossip (UDP) and items (TCP).
    pub address: Address,
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORE: &str = r#""architecture": "shop", "component": "data", "role": "store""#;

    #[test]
    fn a_document_without_a_version_or_with_unknown_fields_is_read() {
        let config = ComponentConfig::from_json(&format!("{{{STORE}}}")).unwrap();
        assert_eq!(config.identity().uid, None);
        let newer = format!(r#"{{{STORE}, "schemaVersion": 1, "unknown": {{}}}}"#);
        assert_eq!(ComponentConfig::from_json(&newer).unwrap(), config);
        assert!(config.to_json().unwrap().starts_with("{\n  \"schemaVersion\": 1,"));
    }

    #[test]
    fn a_document_of_another_version_is_refused_whatever_else_it_says() {
        let message = |text: &str| ComponentConfig::from_json(text).unwrap_err().to_string();
        let expected =
            "its schemaVersion is 2, but this version of Maquette reads schemaVersion 1 only";
        assert_eq!(message(&format!(r#"{{{STORE}, "schemaVersion": 2}}"#)), expected);
        assert_eq!(message(r#"{"schemaVersion": 2, "role": ["new"]}"#), expected);
        assert!(message(r#"{"schemaVersion": 0}"#).contains("schemaVersion is 0"));
        assert!(message(r#"{"schemaVersion": "1"}"#).contains("invalid type"));
        assert!(message("{").contains("EOF"));
    }
}
