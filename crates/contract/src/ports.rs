//! The ports of every pod and Service, each named as in the Service that publishes it.

/// A port and the name under which pods and Services publish it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port {
    /// The name in pod and Service specifications.
    pub name: &'static str,
    /// The port number; TCP unless said otherwise.
    pub number: u16,
}

/// HTTP requests for items and summaries.
pub const TRAFFIC: Port = Port { name: "http", number: 8080 };
/// RESP2, the store's protocol.
pub const STORE: Port = Port { name: "redis", number: 6379 };
/// What peers ask each other, over TCP: copies of items.
pub const PEERS: Port = Port { name: "peers", number: 7000 };
/// What peers tell each other of themselves, over UDP, at the same number.
pub const GOSSIP: Port = Port { name: "gossip", number: PEERS.number };
/// `/livez`, `/readyz`, `/metrics` and `/observations`; read-only.
pub const ADMIN: Port = Port { name: "admin", number: 9100 };
/// The port of the entry Service, so that its address needs none.
pub const ENTRY: Port = Port { name: "http", number: 80 };
