//! `DEL` and `UNLINK key [key ...]`: deletes keys and returns how many of them existed.

use crate::store::command::{Command, WriteCommand, checked_keys, spec::CommandSpec};
use crate::{
    storage::{ItemsMut, Storage, StorageError},
    store::{bounds::budget::ARGUMENT_COST, resp::Reply},
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

/// The most keys that are deleted in one commit: it writes a page or more for each.
const MAX_PAGE: usize = 1000;

impl DeleteCommand {
    /// Whether the keys take more than one commit.
    pub(crate) fn is_long(&self) -> bool {
        self.keys.len() > MAX_PAGE
    }

    /// Deletes the keys in several commits.
    pub(crate) async fn run_in_pages(self, storage: &Storage) -> Reply {
        let mut existed = 0;
        let mut keys = self.keys.into_iter();
        while !keys.as_slice().is_empty() {
            let page: Vec<Bytes> = keys.by_ref().take(MAX_PAGE).collect();
            let batch = storage.submit_batch(move |items| delete_all(items, &page));
            match async { batch.await?.await }.await {
                Ok(count) => existed += count,
                Err(error) => return error.into(),
            }
        }
        Reply::from_count(existed)
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.keys.iter().map(|key| key.len() + ARGUMENT_COST).sum()
    }

    pub(crate) fn apply(self, items: &mut ItemsMut<'_>) -> Result<Reply, StorageError> {
        delete_all(items, &self.keys).map(Reply::from_count)
    }
}

/// Deletes the keys; the number of those that existed.
fn delete_all(items: &mut ItemsMut<'_>, keys: &[Bytes]) -> Result<u64, StorageError> {
    let mut existed = 0;
    for key in keys {
        existed += u64::from(items.delete(key)?);
    }
    Ok(existed)
}
