//! `DEL key [key ...]`: deletes keys and returns how many of them existed.

use crate::store::command::{Command, WriteCommand, checked_keys, spec::CommandSpec};
use crate::{
    storage::{ItemsMut, StorageError},
    store::resp::Reply,
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

/// A parsed `DEL`, with its keys.
#[derive(Debug)]
pub(crate) struct DeleteCommand {
    keys: Vec<Bytes>,
}

impl DeleteCommand {
    pub(crate) fn memory_bytes(&self) -> usize {
        self.keys.iter().map(|key| key.len() + size_of::<Bytes>()).sum()
    }

    pub(crate) fn apply(self, items: &mut ItemsMut<'_>) -> Result<Reply, StorageError> {
        let mut existed = 0;
        for key in self.keys {
            existed += u64::from(items.delete(&key)?);
        }
        Ok(Reply::from_count(existed))
    }
}
