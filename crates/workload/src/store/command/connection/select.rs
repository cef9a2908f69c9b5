//! `SELECT index`: there is one database, 0.

use crate::store::command::{
    Command, CommandError, ReadCommand, arguments, parse_integer, spec::CommandSpec,
};
use crate::store::resp::Reply;

pub(crate) const SPEC: CommandSpec = CommandSpec {
    name: "select",
    arity: 2,
    flags: &["loading", "stale", "fast"],
    keys: (0, 0, 0),
    summary: "Changes the selected database.",
    since: "1.0.0",
    group: "connection",
    parse: |request| match parse_integer(&arguments(request).next().unwrap_or_default())? {
        0 => Ok(Command::Read(ReadCommand::Immediate(Reply::OK))),
        _ => Err(CommandError::new("ERR DB index is out of range")),
    },
};
