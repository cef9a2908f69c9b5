//! `EXISTS key [key ...]`: how many of the keys exist; a key listed twice counts twice.

use crate::store::command::{Command, ReadCommand, checked_keys, spec::CommandSpec};
use crate::{
    storage::{ItemsMut, Storage, StorageError},
    store::{bounds::budget::ARGUMENT_COST, resp::Reply},
};
use bytes::Bytes;

pub(crate) const SPEC: CommandSpec = CommandSpec {
    name: "exists",
    arity: -2,
    flags: &["readonly", "fast"],
    keys: (1, -1, 1),
    summary: "Determines whether one or more keys exist.",
    since: "1.0.0",
    group: "generic",
    parse: |request| {
        Ok(Command::Read(ReadCommand::Exists(ExistsCommand { keys: checked_keys(request)? })))
    },
};

/// A parsed `EXISTS`, with its keys.
#[derive(Debug)]
pub(crate) struct ExistsCommand {
    keys: Vec<Bytes>,
}

impl ExistsCommand {
    pub(crate) fn memory_bytes(&self) -> usize {
        self.keys.iter().map(|key| key.len() + ARGUMENT_COST).sum()
    }

    pub(crate) fn apply(self, items: &mut ItemsMut<'_>) -> Result<Reply, StorageError> {
        let mut count = 0;
        for key in &self.keys {
            count += u64::from(items.expiry(key)?.is_some());
        }
        Ok(Reply::from_count(count))
    }

    pub(crate) async fn run(self, storage: &Storage) -> Reply {
        storage.count_existing(&self.keys).await.map_or_else(Reply::from, Reply::from_count)
    }
}
