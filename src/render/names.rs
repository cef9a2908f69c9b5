//! The names of objects that are not simply a node's, and the addresses that follow from names.

use crate::plan::{Identity, Node, Topology};
use maquette_contract::{Address, NodeName, Role, ports};

/// The entry Service, and the ServiceAccount.
pub(super) fn of_whole(identity: &Identity) -> String {
    identity.name.to_string()
}

/// Every object of a node but the one below.
pub(super) fn of_node(identity: &Identity, node: &NodeName) -> String {
    identity.name.child(node)
}

/// The Service that gives the pods of a node with volumes names of their own.
pub(super) fn headless(identity: &Identity, node: &Node) -> String {
    let name = of_node(identity, &node.name);
    match node.role() {
        // A store's own name is taken by the Service that its callers use.
        Role::Store => format!("{name}-headless"),
        Role::Service | Role::Peer | Role::Load => name,
    }
}

/// Where `node` answers requests.
pub(super) fn traffic_address(identity: &Identity, node: &NodeName) -> Address {
    Address::new(&identity.host(&of_node(identity, node)), ports::TRAFFIC.number)
}

/// Where the store `node` answers queries.
pub(super) fn store_address(identity: &Identity, node: &NodeName) -> Address {
    Address::new(&identity.host(&of_node(identity, node)), ports::STORE.number)
}

/// Where end users send requests for `node`: the entry has a Service for just that.
pub(super) fn user_address(topology: &Topology, node: &NodeName) -> Address {
    let identity = topology.identity();
    if node == topology.entry() {
        Address::new(&identity.host(&of_whole(identity)), ports::ENTRY.number)
    } else {
        traffic_address(identity, node)
    }
}

/// The pod `ordinal` of a node with volumes.
pub(super) fn pod(identity: &Identity, node: &Node, ordinal: u32) -> String {
    format!("{}-{ordinal}", of_node(identity, &node.name))
}

/// Where the peers find the pod `ordinal` of their node.
pub(super) fn peer_address(identity: &Identity, node: &Node, ordinal: u32) -> Address {
    let host = format!("{}.{}", pod(identity, node, ordinal), headless(identity, node));
    Address::new(&identity.host(&host), ports::PEERS.number)
}
