//! What a step waits for.

use maquette_contract::NodeName;
use std::fmt;

/// What must happen before the next step of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wait {
    /// A node must become available; until then the old ones serve.
    Available {
        /// The node.
        node: NodeName,
        /// What it lacks, in one line.
        lacks: String,
    },
    /// A node must work under its new configuration; until then the old nodes stay.
    Moved {
        /// The node.
        node: NodeName,
    },
    /// Peers that leave must hand their items over first.
    HandedOver {
        /// The peers.
        node: NodeName,
        /// How many pods are to leave.
        leaving: u32,
        /// Which pod is not done and why, in one line.
        lacks: String,
    },
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Available { node, lacks } => {
                write!(f, "waiting for {node} before the old nodes go: {lacks}")
            }
            Self::Moved { node } => {
                write!(
                    f,
                    "waiting for {node} to take its new configuration before the old nodes go"
                )
            }
            Self::HandedOver { node, leaving, lacks } => {
                write!(f, "{leaving} of {node} are to leave once their items are copied: {lacks}")
            }
        }
    }
}
