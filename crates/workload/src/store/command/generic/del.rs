//! `DEL key [key ...]`: deletes keys and returns how many of them existed.

use crate::store::command::{Command, PendingReply, WriteCommand, checked_keys, spec::CommandSpec};
use crate::{
    storage::{Change, Storage, StorageError},
    store::resp::Reply,
};
use bytes::Bytes;
use futures_util::future::try_join_all;

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

    pub(crate) async fn submit(self, storage: &Storage) -> PendingReply {
        match self.queue_deletes(storage).await {
            Ok(outcome) => {
                Box::pin(async { outcome.await.map_or_else(Reply::from, Reply::from_count) })
            }
            Err(error) => Box::pin(async { error.into() }),
        }
    }

    async fn queue_deletes(
        self,
        storage: &Storage,
    ) -> Result<impl Future<Output = Result<u64, StorageError>> + Send + use<>, StorageError> {
        let mut outcomes = Vec::with_capacity(self.keys.len());
        for key in self.keys {
            let outcome = storage.submit(&key, |before| (Change::Delete, before.is_some()));
            outcomes.push(outcome.await?);
        }
        Ok(async {
            let existed = try_join_all(outcomes).await?;
            Ok(existed.into_iter().map(u64::from).sum())
        })
    }
}
