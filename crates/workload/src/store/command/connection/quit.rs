//! `QUIT`: replies `OK` and closes the connection.

use crate::store::command::{Command, spec::CommandSpec};

pub(crate) const SPEC: CommandSpec = CommandSpec {
    name: "quit",
    arity: -1,
    flags: &["noscript", "loading", "stale", "fast", "no_auth"],
    keys: (0, 0, 0),
    summary: "Closes the connection.",
    since: "1.0.0",
    group: "connection",
    parse: |_| Ok(Command::Quit),
};
