//! `ECHO message`

use crate::store::command::{Command, ReadCommand, arguments, spec::CommandSpec};
use crate::store::resp::Reply;

pub(crate) const SPEC: CommandSpec = CommandSpec {
    name: "echo",
    arity: 2,
    flags: &["fast"],
    keys: (0, 0, 0),
    summary: "Returns the given string.",
    since: "1.0.0",
    group: "connection",
    parse: |request| {
        Ok(Command::Read(ReadCommand::Immediate(Reply::bulk_or_nil(arguments(request).next()))))
    },
};
