//! `AUTH [username] password`: as in a Redis without passwords, the user `default` needs none and has
//! no rival.

use crate::store::command::{Command, CommandError, ReadCommand, spec::CommandSpec};
use crate::store::resp::{Reply, Request};

pub(crate) const SPEC: CommandSpec = CommandSpec {
    name: "auth",
    arity: -2,
    flags: &["noscript", "loading", "stale", "fast", "no_auth"],
    keys: (0, 0, 0),
    summary: "Authenticates the connection.",
    since: "1.0.0",
    group: "connection",
    parse,
};

fn parse(request: Request) -> Result<Command, CommandError> {
    match request.as_slice() {
        [_, _password] => Err(CommandError::new(
            "ERR AUTH <password> called without any password configured for the default user. Are \
             you sure your configuration is correct?",
        )),
        [_, user, _password] => {
            check_user(user)?;
            Ok(Command::Read(ReadCommand::Immediate(Reply::OK)))
        }
        _ => Err(CommandError::syntax_error()),
    }
}

/// Refuses every user but `default`.
pub(super) fn check_user(user: &[u8]) -> Result<(), CommandError> {
    if user != b"default" {
        return Err(CommandError::new(
            "WRONGPASS invalid username-password pair or user is disabled.",
        ));
    }
    Ok(())
}
