//! `GETDEL key`: returns the value of a key and deletes it.

use crate::store::command::{Command, WriteCommand, arguments, checked_key, spec::CommandSpec};
use crate::{
    storage::{Change, ItemsMut, StorageError},
    store::resp::Reply,
};
use bytes::Bytes;

pub(crate) const SPEC: CommandSpec = CommandSpec {
    name: "getdel",
    arity: 2,
    flags: &["write", "fast"],
    keys: (1, 1, 1),
    summary: "Returns the string value of a key after deleting the key.",
    since: "6.2.0",
    group: "string",
    parse: |request| {
        let key = checked_key(arguments(request).next().unwrap_or_default())?;
        Ok(Command::Write(WriteCommand::GetDelete(GetDeleteCommand { key })))
    },
};

/// A parsed `GETDEL`, with its key.
#[derive(Debug)]
pub(crate) struct GetDeleteCommand {
    pub(in crate::store::command) key: Bytes,
}

impl GetDeleteCommand {
    pub(crate) fn apply(self, items: &mut ItemsMut<'_>) -> Result<Reply, StorageError> {
        items.update(&self.key, |value| {
            (Change::Delete, Reply::bulk_or_nil(value.map(Bytes::copy_from_slice)))
        })
    }
}
