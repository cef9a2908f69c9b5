//! The four shapes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A shape: one of four common distributed architectures.
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

impl Shape {
    /// The name that specifications, statuses and events have.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientServer => "ClientServer",
            Self::ThreeTier => "ThreeTier",
            Self::NTier => "NTier",
            Self::PeerToPeer => "PeerToPeer",
        }
    }

    /// The field of the spec that configures the shape.
    pub fn spec_field(self) -> &'static str {
        match self {
            Self::ClientServer => "clientServer",
            Self::ThreeTier => "threeTier",
            Self::NTier => "nTier",
            Self::PeerToPeer => "peerToPeer",
        }
    }
}
