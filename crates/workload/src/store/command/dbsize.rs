//! `DBSIZE`: how many items there are.

use super::{Command, Read, spec::Spec};
use crate::{storage::Storage, store::resp::Reply};

pub(super) const SPEC: Spec = Spec {
    name: "dbsize",
    arity: 1,
    flags: &["readonly", "fast"],
    keys: (0, 0, 0),
    summary: "Returns the number of keys in the database.",
    since: "1.0.0",
    group: "server",
    parse: |_| Ok(Command::Read(Read::Size)),
};

pub(super) fn run(storage: &Storage) -> Reply {
    Reply::count(storage.count())
}
