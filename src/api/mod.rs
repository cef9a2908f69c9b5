//! The custom resource `Architecture`: what users write and read.
//!
//! Owns the spec's and status' types, their schema and the rules of what is valid. It never decides
//! what a spec becomes: that is `plan`'s.

#![warn(clippy::disallowed_methods, clippy::disallowed_types)]

mod bounds;
mod client_server;
mod component;
mod document;
mod duration;
mod error_list;
mod label_syntax;
mod load;
mod n_tier;
mod name;
mod names;
mod non_empty;
mod peer_to_peer;
mod pods;
mod quantity;
mod resources;
mod retention;
mod rule;
mod schema;
mod schema_check;
mod spec;
mod status;
mod storage;
mod three_tier;
mod volumes;

pub use client_server::{Client, ClientServer};
pub use component::{ComponentSettings, Quantiles};
pub use document::{is_architecture, parse_document};
pub use error_list::{FieldError, ValidationErrors};
pub use load::Load;
pub use n_tier::{Call, CallMode, NTier, Service, ServiceStore};
pub use peer_to_peer::PeerToPeer;
pub use pods::{
    ImagePullPolicy, ImagePullSecret, PodSettings, TaintEffect, Toleration, TolerationOperator,
};
pub use quantity::{Quantity, QuantityError};
pub use resources::{Amounts, Resources};
pub use retention::{Fate, Retention};
pub use schema::{CrdFile, crd};
pub use spec::{Architecture, ArchitectureSpec, Shape, ValidSpec};
pub use status::*;
pub use storage::{DataStore, Storage};
pub use three_tier::ThreeTier;

pub(crate) use client_server::ValidClientServer;
pub(crate) use component::ValidComponent;
pub(crate) use duration::parse_micros;
pub(crate) use error_list::{At, Findings};
pub(crate) use load::ValidLoad;
pub(crate) use n_tier::{Ownership, ValidNTier, ValidService};
pub(crate) use peer_to_peer::ValidPeerToPeer;
pub(crate) use resources::{ValidAmounts, ValidResources};
pub(crate) use spec::ValidShape;
pub(crate) use storage::{ValidStorage, ValidStore};
pub(crate) use three_tier::ValidThreeTier;
