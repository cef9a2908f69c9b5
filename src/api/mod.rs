//! The custom resource `Architecture`: what users write and read.
//!
//! Owns the types of spec and status, their schema, and the validation of a spec. It never decides
//! which components a spec becomes: that is `plan`'s.

#![warn(clippy::disallowed_methods, clippy::disallowed_types)]

mod document;
mod fields;
mod schema;
mod shape;
mod shapes;
mod spec;
mod status;
mod validation;

pub use document::{is_architecture, parse_document};
pub use fields::{
    Amounts, Arrivals, ClosedLoop, ComponentSettings, DataStore, ImagePullPolicy, ImagePullSecret,
    Load, PodSettings, Quantiles, Quantity, QuantityError, Ramp, Resources, Retention,
    RetentionPolicy, Storage, TaintEffect, Toleration, TolerationOperator,
};
pub use schema::{CrdFile, crd};
pub use shape::Shape;
pub use shapes::{
    Call, CallMode, Client, ClientServer, NTier, PeerToPeer, Service, ServiceStore, ThreeTier,
};
pub use spec::{Architecture, ArchitectureSpec, ValidSpec};
pub use status::*;
pub use validation::{FieldError, ValidationErrors};

pub(crate) use fields::{
    ValidAmounts, ValidComponent, ValidLoad, ValidResources, ValidStorage, ValidStore, parse_micros,
};
pub(crate) use shapes::{
    Ownership, ValidClientServer, ValidNTier, ValidPeerToPeer, ValidService, ValidThreeTier,
};
pub(crate) use spec::ValidShape;
pub(crate) use validation::{ErrorList, FieldPath};
