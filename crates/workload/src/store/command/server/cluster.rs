//! `CLUSTER ...`: a store is no part of a Redis cluster, and says so to clients that ask.

use crate::store::command::{CommandError, spec::CommandSpec};

pub(crate) const SPEC: CommandSpec = CommandSpec {
    name: "cluster",
    arity: -2,
    flags: &["stale"],
    keys: (0, 0, 0),
    summary: "A container for Redis Cluster commands.",
    since: "3.0.0",
    group: "cluster",
    parse: |_| Err(CommandError::new("ERR This instance has cluster support disabled")),
};
