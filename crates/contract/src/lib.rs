//! What the operator and the workload agree on.
//!
//! Owns every name, port, label and annotation key, the configuration that the operator writes for
//! a component ([`ComponentConfig`]), the report that a pod gives of itself ([`Observations`]), the answer
//! that a request gets ([`ResponseTree`]), the versions of items ([`Version`]) and the format of
//! metrics ([`metrics`]).
//!
//! It never talks to anything: no network, no file, no clock, and no Kubernetes type, so that the
//! workload runs as well outside a cluster.

mod config;
mod display;
mod item;
pub mod keys;
pub mod metrics;
mod migration;
mod name;
mod observations;
pub mod ports;
mod revision;
mod route;
mod tree;
mod version;

pub use config::{
    Address, Call, CallMode, ComponentConfig, LoadConfig, LoadTarget, PeerConfig, PeerMember,
    Percent, ProcessingTime, RequestWork, RoleConfig, ServiceConfig, StoreConfig, StoreTarget,
    Successor,
};
pub use item::{Collection, ItemId, ItemIdError, ItemKey, Record};
pub use migration::{
    CollectionSet, MigrationObservation, MigrationSource, SourceBackend, internal_api,
};
pub use name::{ArchitectureName, ComponentName, NameError, Role};
pub use observations::{
    EdgeObservation, LoadObservation, Observations, PeerObservation, Probe, Traffic,
};
pub use revision::Revision;
pub use route::{Hop, Routes};
pub use tree::{Answer, CollectionSummary, Outcome, Query, ResponseTree, Summary};
pub use version::{Version, VersionError};
