//! `PING [message]`

use super::{Command, ReadCommand, arguments, spec::CommandSpec};
use crate::store::resp::Reply;

pub(super) const SPEC: CommandSpec = CommandSpec {
    name: "ping",
    arity: -1,
    flags: &["fast"],
    keys: (0, 0, 0),
    summary: "Returns the server's liveliness response.",
    since: "1.0.0",
    group: "connection",
    parse: |request| {
        if request.len() > 2 {
            return Err(super::CommandError::wrong_arity("ping"));
        }
        let message = arguments(request).next();
        Ok(Command::Read(ReadCommand::Immediate(
            message.map_or(Reply::Simple("PONG"), Reply::Bulk),
        )))
    },
};
