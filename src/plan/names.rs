//! The names of the nodes that users do not name.

use maquette_contract::{Kind, NodeName};

/// The client of the three-tier and n-tier shapes.
pub(super) fn client() -> NodeName {
    fixed("client")
}

/// The business tier.
pub(super) fn business() -> NodeName {
    fixed("business")
}

/// The store of the client-server and three-tier shapes.
pub(super) fn data() -> NodeName {
    fixed("data")
}

/// The peers.
pub(super) fn peers() -> NodeName {
    fixed("peers")
}

/// The end users.
pub(super) fn load() -> NodeName {
    fixed("load")
}

/// The kind of the end users' items where any kind will do.
#[expect(clippy::expect_used, reason = "a literal, which every test that plans a load parses")]
pub(super) fn items() -> Kind {
    "items".parse().expect("a kind")
}

#[expect(clippy::expect_used, reason = "literals, each of which the tests' plans parse")]
fn fixed(name: &'static str) -> NodeName {
    name.parse().expect("a node's name")
}
