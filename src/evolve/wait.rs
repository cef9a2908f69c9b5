//! What a step waits for.

use maquette_contract::NodeName;
use std::fmt;

/// What must happen before the next step of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wait {
    /// A new node, or one that is to accept more items, must work; until then all others stay as
    /// they are.
    Raised {
        /// The node.
        node: NodeName,
        /// What it lacks, in one line.
        lacks: String,
    },
    /// A node must work under its new configuration; until then nobody relies on that.
    Moved {
        /// The node.
        node: NodeName,
        /// What it lacks, in one line.
        lacks: String,
    },
    /// The entry Service must lead to another node.
    Entry {
        /// That node.
        node: NodeName,
    },
    /// A node that is not wanted any more must only forward requests.
    Forwarding {
        /// The node.
        node: NodeName,
        /// What it lacks, in one line.
        lacks: String,
    },
    /// Pods on their way out must have ended: they may still write to an old home of items.
    Ended {
        /// Their node.
        node: NodeName,
        /// How many.
        pods: usize,
    },
    /// Everything must be copied from an old home of items.
    Copied {
        /// The new owner.
        node: NodeName,
        /// The old home.
        from: NodeName,
        /// How far the copy is, in one line.
        lacks: String,
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

impl Wait {
    /// The node that is waited for.
    pub fn node(&self) -> &NodeName {
        match self {
            Self::Raised { node, .. }
            | Self::Moved { node, .. }
            | Self::Entry { node }
            | Self::Forwarding { node, .. }
            | Self::Ended { node, .. }
            | Self::Copied { node, .. }
            | Self::HandedOver { node, .. } => node,
        }
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Raised { node, lacks } => {
                write!(f, "waiting for {node} before callers move: {lacks}")
            }
            Self::Moved { node, lacks } => {
                write!(f, "waiting for {node} under its new configuration: {lacks}")
            }
            Self::Entry { node } => write!(f, "the entry moves to {node}"),
            Self::Forwarding { node, lacks } => {
                write!(f, "waiting for {node}, which is to forward to the new entry: {lacks}")
            }
            Self::Ended { node, pods } => {
                write!(f, "waiting for {pods} pods of {node} that are on their way out")
            }
            Self::Copied { node, from, lacks } => {
                write!(f, "{node} takes over what {from} has: {lacks}")
            }
            Self::HandedOver { node, leaving, lacks } => {
                write!(f, "{leaving} of {node} are to leave once their items are copied: {lacks}")
            }
        }
    }
}
