//! The names of objects that are not simply a component's, and the addresses that follow from names.

use crate::plan::{Component, Identity, Topology};
use maquette_contract::{Address, ComponentName, Role, ports};

/// The entry Service, and the ServiceAccount.
pub(super) fn for_architecture(identity: &Identity) -> String {
    identity.name.to_string()
}

/// Every object of a component but the one below.
pub(super) fn for_component(identity: &Identity, component: &ComponentName) -> String {
    identity.name.object_name(component)
}

/// The Service that gives the pods of a component with volumes names of their own.
pub(super) fn headless_service(identity: &Identity, component: &Component) -> String {
    let name = for_component(identity, &component.name);
    match component.role() {
        // A store's own name is taken by the Service that its callers use.
        Role::Store => format!("{name}-headless"),
        Role::Service | Role::Peer | Role::Load => name,
    }
}

/// Where `component` answers requests.
pub(super) fn traffic_address(identity: &Identity, component: &ComponentName) -> Address {
    Address::new(&identity.service_host(&for_component(identity, component)), ports::TRAFFIC.number)
}

/// Where the store `component` answers queries.
pub(super) fn store_address(identity: &Identity, component: &ComponentName) -> Address {
    Address::new(&identity.service_host(&for_component(identity, component)), ports::STORE.number)
}

/// Where end users send requests for `component`: the entry has a Service for just that.
pub(super) fn user_address(topology: &Topology, component: &ComponentName) -> Address {
    let identity = topology.identity();
    if component == topology.entry() {
        Address::new(&identity.service_host(&for_architecture(identity)), ports::ENTRY.number)
    } else {
        traffic_address(identity, component)
    }
}

/// The pod `ordinal` of a component with volumes.
pub(super) fn pod_name(identity: &Identity, component: &Component, ordinal: u32) -> String {
    format!("{}-{ordinal}", for_component(identity, &component.name))
}

/// Where the peers find the pod `ordinal` of their component.
pub(super) fn peer_address(identity: &Identity, component: &Component, ordinal: u32) -> Address {
    let host = format!(
        "{}.{}",
        pod_name(identity, component, ordinal),
        headless_service(identity, component)
    );
    Address::new(&identity.service_host(&host), ports::PEERS.number)
}
