//! The other end of an edge.

use maquette_contract::{Address, ComponentIdentity, ComponentName, Recipient};

/// The component at the other end of an edge, its address, and the recipient that connections name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeTarget {
    /// The component.
    pub component: ComponentName,
    /// The `host:port` that requests and probes connect to.
    pub address: Address,
    /// None if the own UID is unknown: then connections name no recipient.
    pub recipient: Option<Recipient>,
}

impl EdgeTarget {
    /// A component of the same Architecture as `own`.
    pub fn new(own: &ComponentIdentity, component: ComponentName, address: Address) -> Self {
        let recipient = own.recipient(Some(&component));
        Self { component, address, recipient }
    }

    /// The entry Service, which leads to `component` except during a change of the entry.
    pub fn entry(own: &ComponentIdentity, component: ComponentName, address: Address) -> Self {
        Self { component, address, recipient: own.recipient(None) }
    }
}
