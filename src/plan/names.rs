//! The names of the components that users do not name.

use maquette_contract::{Collection, ComponentName};

/// The client of the three-tier and n-tier shapes.
pub(super) fn client() -> ComponentName {
    fixed_name("client")
}

/// The business tier.
pub(super) fn business() -> ComponentName {
    fixed_name("business")
}

/// The store of the client-server and three-tier shapes.
pub(super) fn data() -> ComponentName {
    fixed_name("data")
}

/// The peers.
pub(super) fn peers() -> ComponentName {
    fixed_name("peers")
}

/// The end users.
pub(super) fn load() -> ComponentName {
    fixed_name("load")
}

/// The collection of the end users' items where any collection will do.
#[expect(clippy::expect_used, reason = "a literal, which every test that plans a load parses")]
pub(super) fn default_collection() -> Collection {
    "items".parse().expect("a collection")
}

#[expect(clippy::expect_used, reason = "literals, each of which the tests' plans parse")]
fn fixed_name(name: &'static str) -> ComponentName {
    name.parse().expect("a component's name")
}
