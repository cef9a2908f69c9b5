//! Redis' group "transactions": `MULTI`, `EXEC`, `DISCARD`, `WATCH key [key ...]` and `UNWATCH`.

use super::{Command, CommandError, checked_keys, spec::CommandSpec};
use crate::store::resp::Request;
use bytes::Bytes;

/// What a command of this group does to the transaction of its connection.
#[derive(Debug)]
pub(crate) enum TransactionCommand {
    Begin,
    Execute,
    Discard,
    Watch(Vec<Bytes>),
    Unwatch,
}

pub(crate) const MULTI: CommandSpec = CommandSpec {
    name: "multi",
    arity: 1,
    flags: &["noscript", "loading", "stale", "fast"],
    keys: (0, 0, 0),
    summary: "Starts a transaction.",
    since: "1.2.0",
    group: "transactions",
    parse: |_| Ok(Command::Transaction(TransactionCommand::Begin)),
};

pub(crate) const EXEC: CommandSpec = CommandSpec {
    name: "exec",
    flags: &["noscript", "loading", "stale"],
    summary: "Executes all commands in a transaction.",
    parse: |_| Ok(Command::Transaction(TransactionCommand::Execute)),
    ..MULTI
};

pub(crate) const DISCARD: CommandSpec = CommandSpec {
    name: "discard",
    summary: "Discards a transaction.",
    since: "2.0.0",
    parse: |_| Ok(Command::Transaction(TransactionCommand::Discard)),
    ..MULTI
};

pub(crate) const WATCH: CommandSpec = CommandSpec {
    name: "watch",
    arity: -2,
    keys: (1, -1, 1),
    summary: "Monitors changes to keys to determine the execution of a transaction.",
    since: "2.2.0",
    parse: |request: Request| {
        Ok(Command::Transaction(TransactionCommand::Watch(checked_keys(request)?)))
    },
    ..MULTI
};

pub(crate) const UNWATCH: CommandSpec = CommandSpec {
    name: "unwatch",
    summary: "Forgets about watched keys of a transaction.",
    since: "2.2.0",
    parse: |_| Ok(Command::Transaction(TransactionCommand::Unwatch)),
    ..MULTI
};

/// The error of a command that a transaction cannot contain.
pub(crate) fn not_allowed() -> CommandError {
    CommandError::new("ERR Command not allowed inside a transaction")
}
