//! `DEL` and `UNLINK key [key ...]`: deletes keys and returns how many of them existed.

use crate::store::command::{Command, WriteCommand, checked_keys, spec::CommandSpec};
use crate::{
    storage::{ItemsMut, StorageError},
    store::{budget::ARGUMENT_COST, resp::Reply},
};
use bytes::Bytes;

pub(crate) const SPEC: CommandSpec = CommandSpec {
    name: "del",
    arity: -2,
    flags: &["write"],
    keys: (1, -1, 1),
    summary: "Deletes one or more keys.",
    since: "1.0.0",
    group: "generic",
    parse: |request| {
        Ok(Command::Write(WriteCommand::Delete(DeleteCommand { keys: checked_keys(request)? })))
    },
};

pub(crate) const UNLINK: CommandSpec =
    CommandSpec { name: "unlink", since: "4.0.0", flags: &["write", "fast"], ..SPEC };

/// A parsed `DEL`, with its keys.
#[derive(Debug)]
pub(crate) struct DeleteCommand {
    keys: Vec<Bytes>,
}

impl DeleteCommand {
    pub(crate) fn memory_bytes(&self) -> usize {
        self.keys.iter().map(|key| key.len() + ARGUMENT_COST).sum()
    }

    pub(crate) fn apply(self, items: &mut ItemsMut<'_>) -> Result<Reply, StorageError> {
        let mut existed = 0;
        for key in self.keys {
            existed += u64::from(items.delete(&key)?);
        }
        Ok(Reply::from_count(existed))
    }
}
