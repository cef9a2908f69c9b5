//! The custom resource `Architecture`: what users write and read.
//!
//! Owns the spec's and status' types, their schema and the rules of what is valid. It never decides
//! what a spec becomes: that is `plan`'s.

mod status;

pub use status::*;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One of the four common distributed architectures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Shape {
    /// Clients query one data store directly.
    ClientServer,
    /// Client, business and data tiers.
    ThreeTier,
    /// Services, each with its own store.
    NTier,
    /// Equal peers that share the items among themselves.
    PeerToPeer,
}

/// Settings of every pod of the model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodSettings {
    /// The workload's image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
}

/// What becomes of volumes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Retention {}
