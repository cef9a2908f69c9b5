//! The names of objects, and the addresses that follow from them.

use crate::plan::{Component, Identity, Topology};
use maquette_contract::{Address, ComponentName, Role, ports};

/// The name of the entry Service and of the ServiceAccount.
pub(super) fn for_architecture(identity: &Identity) -> String {
    identity.name.to_string()
}

/// The name of every object of a component but the headless Service of a store.
pub(super) fn for_component(identity: &Identity, component: &ComponentName) -> String {
    identity.name.object_name(component)
}

/// The name of the Service that gives each pod of a component with volumes a DNS name.
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

/// Where the peers `component` answer the components that migrate their items.
pub(super) fn internal_address(identity: &Identity, component: &ComponentName) -> Address {
    let host = identity.service_host(&for_component(identity, component));
    Address::new(&host, ports::INTERNAL.number)
}

/// Where the store `component` answers queries.
pub(super) fn store_address(identity: &Identity, component: &ComponentName) -> Address {
    Address::new(&identity.service_host(&for_component(identity, component)), ports::STORE.number)
}

/// Where end users send requests for `component`: for the entry it is the entry Service.
pub(super) fn user_address(topology: &Topology, component: &ComponentName) -> Address {
    let identity = topology.identity();
    if component == topology.entry() {
        Address::new(&identity.service_host(&for_architecture(identity)), ports::ENTRY.number)
    } else {
        traffic_address(identity, component)
    }
}

/// The name of the pod `ordinal` of a component with volumes.
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
