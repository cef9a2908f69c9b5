//! The names of the components that users do not name.

use maquette_contract::{Collection, ComponentName};

/// The client of the three-tier and n-tier shapes.
pub(super) fn client() -> ComponentName {
    fixed("client")
}

/// The business tier.
pub(super) fn business() -> ComponentName {
    fixed("business")
}

/// The store of the client-server and three-tier shapes.
pub(super) fn data() -> ComponentName {
    fixed("data")
}

/// The peers.
pub(super) fn peers() -> ComponentName {
    fixed("peers")
}

/// The end users.
pub(super) fn load() -> ComponentName {
    fixed("load")
}

/// The collection of the end users' items where any collection will do.
#[expect(clippy::expect_used, reason = "a literal, which every test that plans a load parses")]
pub(super) fn items() -> Collection {
    "items".parse().expect("a collection")
}

#[expect(clippy::expect_used, reason = "literals, each of which the tests' plans parse")]
fn fixed(name: &'static str) -> ComponentName {
    name.parse().expect("a component's name")
}
