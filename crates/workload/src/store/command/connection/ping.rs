//! `PING [message]`

use crate::store::command::{Command, CommandError, ReadCommand, arguments, spec::CommandSpec};
use crate::store::resp::Reply;

pub(crate) const SPEC: CommandSpec = CommandSpec {
    name: "ping",
    arity: -1,
    flags: &["fast"],
    keys: (0, 0, 0),
    summary: "Returns the server's liveliness response.",
    since: "1.0.0",
    group: "connection",
    parse: |request| {
        if request.len() > 2 {
            return Err(CommandError::wrong_arity("ping"));
        }
        let message = arguments(request).next();
        Ok(Command::Read(ReadCommand::Immediate(
            message.map_or(Reply::Simple("PONG"), Reply::Bulk),
        )))
    },
};
