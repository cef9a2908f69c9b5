//! `DEL key [key ...]`: how many were there and are gone.

use super::{Command, Pending, Write, keys, spec::Spec};
use crate::{
    storage::{Change, Storage, StorageError},
    store::resp::Reply,
};
use bytes::Bytes;
use futures_util::future::try_join_all;

pub(super) const SPEC: Spec = Spec {
    name: "del",
    arity: -2,
    flags: &["write"],
    keys: (1, -1, 1),
    summary: "Deletes one or more keys.",
    since: "1.0.0",
    group: "generic",
    parse: |request| Ok(Command::Write(Write::Delete(Delete { keys: keys(request)? }))),
};

/// The keys.
#[derive(Debug)]
pub(crate) struct Delete {
    keys: Vec<Bytes>,
}

impl Delete {
    pub(super) fn bytes(&self) -> usize {
        self.keys.iter().map(|key| key.len() + size_of::<Bytes>()).sum()
    }

    pub(super) async fn submit(self, storage: &Storage) -> Pending {
        match self.queue(storage).await {
            Ok(outcome) => Box::pin(async { outcome.await.map_or_else(Reply::from, Reply::count) }),
            Err(error) => Box::pin(async { error.into() }),
        }
    }

    async fn queue(
        self,
        storage: &Storage,
    ) -> Result<impl Future<Output = Result<u64, StorageError>> + Send + use<>, StorageError> {
        let mut outcomes = Vec::with_capacity(self.keys.len());
        for key in self.keys {
            let delete = |before: Option<&[u8]>| (Change::Delete, before.is_some());
            outcomes.push(storage.submit(&key, delete).await?);
        }
        Ok(async {
            let existed = try_join_all(outcomes).await?;
            Ok(existed.into_iter().map(u64::from).sum())
        })
    }
}
