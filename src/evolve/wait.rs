//! What a step waits for.

use maquette_contract::ComponentName;
use std::fmt;

/// What must happen before the next step of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wait {
    /// A new component, or an owner that accepts more collections, must be verified. All other
    /// components are unchanged until then.
    Expanded {
        /// The new component or the owner.
        component: ComponentName,
        /// The first requirement that it does not meet, in one line.
        unmet: String,
    },
    /// A component must be verified under its new configuration. No caller relies on it until then.
    Configured {
        /// The component that is reconfigured.
        component: ComponentName,
        /// The first requirement that it does not meet, in one line.
        unmet: String,
    },
    /// The entry Service must select another component.
    EntryShifted {
        /// The new entry component.
        component: ComponentName,
    },
    /// A component that is not wanted any more must only forward requests.
    Forwarding {
        /// The component that is not wanted any more.
        component: ComponentName,
        /// The first requirement that it does not meet, in one line.
        unmet: String,
    },
    /// Terminating pods must have ended: they may still write to a migration source.
    Terminated {
        /// The component of the pods.
        component: ComponentName,
        /// The number of terminating pods.
        pods: usize,
        /// Why one of them does not end, and the fix; none while all may still end by themselves.
        overdue: Option<String>,
    },
    /// A new owner must have copied everything from a migration source.
    Copied {
        /// The new owner of the items.
        component: ComponentName,
        /// The migration source that is copied.
        from: ComponentName,
        /// The progress of the copy, in one line.
        unmet: String,
    },
    /// Surplus peers must hand their items over before they are removed.
    HandedOver {
        /// The component of the peers.
        component: ComponentName,
        /// The number of surplus pods.
        surplus: u32,
        /// The first pod that is not ready for the removal and why, in one line.
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
            Self::Expanded { component, unmet } => {
                write!(f, "waiting for {component} before its callers are reconfigured: {unmet}")
            }
            Self::Configured { component, unmet } => {
                write!(f, "waiting for {component} under its new configuration: {unmet}")
            }
            Self::EntryShifted { component } => write!(f, "the entry moves to {component}"),
            Self::Forwarding { component, unmet } => {
                write!(f, "waiting for {component} to forward to the new entry: {unmet}")
            }
            Self::Terminated { component, pods, overdue } => {
                write!(f, "waiting for {pods} terminating pods of {component}")?;
                overdue.iter().try_for_each(|overdue| write!(f, ": {overdue}"))
            }
            Self::Copied { component, from, unmet } => {
                write!(f, "{component} copies the items of {from}: {unmet}")
            }
            Self::HandedOver { component, surplus, unmet } => write!(
                f,
                "{surplus} pods of {component} are removed once their items are copied: {unmet}"
            ),
        }
    }
}
