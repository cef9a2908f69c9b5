//! What the operator and the workload agree on.
//!
//! Owns the names, ports, label and annotation keys, the configuration of a component
//! ([`ComponentConfig`]), the report of a pod ([`Observations`]), the response to a request
//! ([`Answer`]), the stored form of items ([`Record`]) and the format of metrics ([`metrics`]).
//!
//! It never does I/O: no network, no files, no clock. It uses no Kubernetes types, so the workload
//! runs outside a cluster too.

mod config;
mod item;
pub mod keys;
pub mod metrics;
mod name;
mod observations;
pub mod ports;
mod recipient;
mod revision;
mod tree;

pub use config::{
    Address, Arrivals, Call, CallMode, ClosedLoop, CollectionSet, ComponentConfig,
    ConfigFormatError, Hop, LoadConfig, LoadTarget, MigrationObservation, MigrationSource,
    PeerConfig, PeerMember, Percent, ProcessingTime, Ramp, RequestWork, RoleConfig, Routes,
    ServiceConfig, SourceBackend, StoreConfig, StoreTarget, Successor, internal_api,
};
pub use item::{
    Collection, Content, ItemId, ItemIdError, ItemKey, ItemValue, ItemValueError, RecentRequests,
    Record, RecordError, RecordHead, RequestId, RequestIdError, Version, VersionAheadError,
    VersionError,
};
pub use name::{ArchitectureName, ComponentName, NameError, Role};
pub use observations::{
    DamagedItems, EdgeObservation, LoadObservation, Observations, PeerObservation, Probe, Traffic,
    VolumeObservation,
};
pub use recipient::{ArchitectureUid, ComponentIdentity, Recipient, RecipientError, UidError};
pub use revision::Revision;
pub use tree::{
    Answer, CollectionSummary, ItemPage, Outcome, PageItem, Query, ResponseTree, Summary,
};
