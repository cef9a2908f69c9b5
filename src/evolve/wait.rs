//! What a step waits for.

use maquette_contract::ComponentName;
use std::fmt;

/// What must happen before the next step of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wait {
    /// A new component, or one that is to accept more items, must work; until then all others stay as
    /// they are.
    Expanded {
        /// The component.
        component: ComponentName,
        /// What it lacks, in one line.
        unmet: String,
    },
    /// A component must work under its new configuration; until then nobody relies on that.
    Configured {
        /// The component.
        component: ComponentName,
        /// What it lacks, in one line.
        unmet: String,
    },
    /// The entry Service must lead to another component.
    EntryShifted {
        /// That component.
        component: ComponentName,
    },
    /// A component that is not wanted any more must only forward requests.
    Forwarding {
        /// The component.
        component: ComponentName,
        /// What it lacks, in one line.
        unmet: String,
    },
    /// Pods on their way out must have ended: they may still write to an old home of items.
    Terminated {
        /// Their component.
        component: ComponentName,
        /// How many.
        pods: usize,
    },
    /// Everything must be copied from an old home of items.
    Copied {
        /// The new owner.
        component: ComponentName,
        /// The old home.
        from: ComponentName,
        /// How far the copy is, in one line.
        unmet: String,
    },
    /// Peers that leave must hand their items over first.
    HandedOver {
        /// The peers.
        component: ComponentName,
        /// How many pods are to leave.
        surplus: u32,
        /// Which pod is not done and why, in one line.
        unmet: String,
    },
}

impl Wait {
    /// The component that is waited for.
    pub fn component(&self) -> &ComponentName {
        match self {
            Self::Expanded { component, .. }
            | Self::Configured { component, .. }
            | Self::EntryShifted { component }
            | Self::Forwarding { component, .. }
            | Self::Terminated { component, .. }
            | Self::Copied { component, .. }
            | Self::HandedOver { component, .. } => component,
        }
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expanded { component, unmet: lacks } => {
                write!(f, "waiting for {component} before callers move: {lacks}")
            }
            Self::Configured { component, unmet: lacks } => {
                write!(f, "waiting for {component} under its new configuration: {lacks}")
            }
            Self::EntryShifted { component } => write!(f, "the entry moves to {component}"),
            Self::Forwarding { component, unmet: lacks } => {
                write!(f, "waiting for {component}, which is to forward to the new entry: {lacks}")
            }
            Self::Terminated { component, pods } => {
                write!(f, "waiting for {pods} pods of {component} that are on their way out")
            }
            Self::Copied { component, from, unmet: lacks } => {
                write!(f, "{component} takes over what {from} has: {lacks}")
            }
            Self::HandedOver { component, surplus: leaving, unmet: lacks } => {
                write!(
                    f,
                    "{leaving} of {component} are to leave once their items are copied: {lacks}"
                )
            }
        }
    }
}
