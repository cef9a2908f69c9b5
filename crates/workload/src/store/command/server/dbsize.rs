//! `DBSIZE`: the number of items.

use crate::store::command::{Command, ReadCommand, spec::CommandSpec};
use crate::{
    storage::{ItemsMut, Storage, StorageError},
    store::resp::Reply,
};

pub(crate) const SPEC: CommandSpec = CommandSpec {
    name: "dbsize",
    arity: 1,
    flags: &["readonly", "fast"],
    keys: (0, 0, 0),
    summary: "Returns the number of keys in the database.",
    since: "1.0.0",
    group: "server",
    parse: |_| Ok(Command::Read(ReadCommand::DatabaseSize)),
};

pub(crate) fn apply(items: &ItemsMut<'_>) -> Result<Reply, StorageError> {
    Ok(Reply::from_count(items.count()?.0))
}

pub(crate) fn run(storage: &Storage) -> Reply {
    Reply::from_count(storage.item_count())
}
