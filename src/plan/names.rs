//! Names that the user does not choose.

use maquette_contract::{Collection, ComponentName};

/// The client of the three-tier and n-tier shapes.
pub(super) fn client() -> ComponentName {
    fixed_name("client")
}

pub(super) fn business() -> ComponentName {
    fixed_name("business")
}

/// The store of the client-server and three-tier shapes.
pub(super) fn data() -> ComponentName {
    fixed_name("data")
}

pub(super) fn peers() -> ComponentName {
    fixed_name("peers")
}

pub(super) fn load() -> ComponentName {
    fixed_name("load")
}

/// The collection of the load's items if one component owns all collections.
#[expect(clippy::expect_used, reason = "a literal: tests plan a load")]
pub(super) fn default_collection() -> Collection {
    "items".parse().expect("a valid collection")
}

#[expect(clippy::expect_used, reason = "literals: tests plan each shape")]
fn fixed_name(name: &'static str) -> ComponentName {
    name.parse().expect("a valid component name")
}
