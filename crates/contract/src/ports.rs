//! The ports of pods and Services, with the names that they have in Services.

/// A port and its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port {
    /// The name of the port in pod and Service specifications.
    pub name: &'static str,
    /// The port number; the protocol is TCP except for [`GOSSIP`].
    pub number: u16,
}

/// HTTP requests for items and summaries.
pub const TRAFFIC: Port = Port { name: "http", number: 8080 };
/// The items that peers keep themselves, over HTTP, for the components that migrate them; see
/// [`crate::internal_api`]. No entry Service leads to it.
pub const INTERNAL: Port = Port { name: "internal", number: 8081 };
/// RESP2, the store's protocol.
pub const STORE: Port = Port { name: "redis", number: 6379 };
/// Items between peers, over TCP.
pub const PEERS: Port = Port { name: "peers", number: 7000 };
/// Gossip between peers, over UDP, with the same number as [`PEERS`].
pub const GOSSIP: Port = Port { name: "gossip", number: PEERS.number };
/// `/livez`, `/readyz`, `/metrics` and `/observations`; read-only.
pub const ADMIN: Port = Port { name: "admin", number: 9100 };
/// The port of the entry Service: the default port of HTTP, so that the URL needs none.
pub const ENTRY: Port = Port { name: "http", number: 80 };
