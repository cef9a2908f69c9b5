//! What each role listens on, for containers and for Services.

use maquette_contract::{
    Role,
    ports::{self, Port},
};

/// A port and its protocols.
pub(super) struct Transport {
    /// The number, and the name by which Services and probes refer to it.
    pub(super) port: Port,
    /// `TCP` or `UDP`: Kubernetes' name of the protocol.
    pub(super) protocol: &'static str,
    /// The application protocol for a service mesh, where it has a name.
    pub(super) app_protocol: Option<&'static str>,
}

/// Requests of users and of other components.
pub(super) const TRAFFIC: Transport =
    Transport { port: ports::TRAFFIC, protocol: "TCP", app_protocol: Some("http") };
const INTERNAL: Transport =
    Transport { port: ports::INTERNAL, protocol: "TCP", app_protocol: Some("http") };
const STORE: Transport =
    Transport { port: ports::STORE, protocol: "TCP", app_protocol: Some("redis") };
const PEERS: Transport = Transport { port: ports::PEERS, protocol: "TCP", app_protocol: None };
const GOSSIP: Transport = Transport { port: ports::GOSSIP, protocol: "UDP", app_protocol: None };
/// Probes, metrics and observations; not published by any Service.
pub(super) const ADMIN: Transport =
    Transport { port: ports::ADMIN, protocol: "TCP", app_protocol: Some("http") };

/// The transports that a role's Services publish.
pub(super) fn published_transports(role: Role) -> &'static [Transport] {
    match role {
        Role::Service => &[TRAFFIC],
        Role::Store => &[STORE],
        Role::Peer => &[TRAFFIC, INTERNAL, PEERS, GOSSIP],
        Role::Load => &[],
    }
}
