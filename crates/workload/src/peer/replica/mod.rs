//! The copies on this peer's own disk.
//!
//! Owns their form on disk, and the rule that a copy is replaced only by a newer version, in
//! whatever order writes arrive. It never sends a request, and does not depend on the owners of items.

mod item;
mod record;

pub(crate) use item::{ItemCopy, ItemOnDisk, ItemVersion, ListedItem, key_text};

use crate::storage::{Change, Storage, StorageError};
use bytes::Bytes;
use maquette_contract::{ItemKey, Record, Version};
use record::{parse_head, parse_version};

/// Items that are looked up at once; bounds the memory for large values.
const LOOKUP_BATCH: usize = 16;

/// Why the disk gave no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplicaError {
    /// The disk or its file failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The volume is new; see [`crate::peer::membership`].
    #[error("its volume is new: it stores copies once a majority of the members know it")]
    NewVolume,
    /// The stored bytes are not what a peer writes.
    #[error(
        "item {key} on disk is not a record: {source}; empty the volume, so that \
        the other peers fill it again"
    )]
    Damaged {
        /// The key, as it is on disk.
        key: String,
        /// What is wrong with the record.
        source: serde_json::Error,
    },
}

/// The copies on one disk; clones share it.
#[derive(Clone)]
pub(crate) struct Replica {
    storage: Storage,
}

impl Replica {
    pub(crate) fn new(storage: Storage) -> Self {
        Self { storage }
    }

    /// The version of an item and, unless `version_only`, its record. `None` if there is no copy.
    pub(crate) async fn read_copy(
        &self,
        key: &ItemKey,
        version_only: bool,
    ) -> Result<Option<(Version, Option<Record>)>, ReplicaError> {
        let stored_key = key.to_string();
        let Some(bytes) = self.storage.get(stored_key.as_bytes()).await? else { return Ok(None) };
        if version_only {
            return Ok(Some((parse_head(stored_key.as_bytes(), &bytes)?.version, None)));
        }
        let record: Record = serde_json::from_slice(&bytes)
            .map_err(|source| ReplicaError::Damaged { key: stored_key, source })?;
        Ok(Some((record.version.clone(), Some(record))))
    }

    /// Stores each copy unless a newer one is on disk. Returns the versions that are on disk then.
    pub(crate) async fn write_if_newer(
        &self,
        copies: Vec<ItemCopy>,
    ) -> Result<Vec<Version>, ReplicaError> {
        let mut outcomes = Vec::with_capacity(copies.len());
        for ItemCopy { key, record } in copies {
            let stored_key = key.to_string();
            let bytes = serde_json::to_vec(&record)
                .map_err(|source| ReplicaError::Damaged { key: stored_key.clone(), source })?;
            // All writes are queued before the first outcome is awaited: they share a commit.
            let outcome = self
                .storage
                .submit(stored_key.as_bytes(), move |before| match before.and_then(parse_version) {
                    Some(stored) if stored >= record.version => (Change::Keep, stored),
                    _ => (Change::Put(bytes.into()), record.version),
                })
                .await?;
            outcomes.push(outcome);
        }
        let mut versions = Vec::with_capacity(outcomes.len());
        for outcome in outcomes {
            versions.push(outcome.await?);
        }
        Ok(versions)
    }

    /// For each item, whether neither that version nor a newer one is on disk.
    pub(crate) async fn find_missing(
        &self,
        items: &[ItemVersion],
    ) -> Result<Vec<bool>, ReplicaError> {
        let mut missing = Vec::with_capacity(items.len());
        for batch in items.chunks(LOOKUP_BATCH) {
            let keys: Vec<String> = batch.iter().map(|item| item.key.to_string()).collect();
            let values = self.storage.multi_get(&keys).await?;
            missing.extend(batch.iter().zip(values).map(|(item, value)| {
                value.as_deref().and_then(parse_version).is_none_or(|stored| stored < item.version)
            }));
        }
        Ok(missing)
    }

    /// Drops a copy unless it was replaced since `copy` was read.
    pub(crate) async fn drop_copy(&self, copy: &ItemOnDisk) -> Result<(), ReplicaError> {
        let version = copy.version.clone();
        self.storage
            .update(copy.key.to_string().as_bytes(), move |before| {
                match before.and_then(parse_version) {
                    Some(stored) if stored == version => (Change::Delete, ()),
                    _ => (Change::Keep, ()),
                }
            })
            .await?;
        Ok(())
    }

    /// The number of items on disk.
    pub(crate) fn count(&self) -> u64 {
        self.storage.item_count()
    }

    /// Up to `limit` items after the key `after`; empty only at the end.
    pub(crate) async fn read_page(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<ItemOnDisk>, ReplicaError> {
        let items = self.storage.scan(after.map(str::as_bytes), limit).await?;
        let parsed = items.into_iter().map(|(key, bytes)| parse_item(&key, bytes));
        parsed.filter_map(Result::transpose).collect()
    }

    /// A list of up to `limit` items after the key `after`.
    pub(crate) async fn list_items(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<ListedItem>, ReplicaError> {
        self.read_page(after, limit).await?.iter().map(ItemOnDisk::to_listed).collect()
    }
}

/// `None` if the key is not one of an item; only items are written here.
fn parse_item(key: &[u8], bytes: Bytes) -> Result<Option<ItemOnDisk>, ReplicaError> {
    let version = parse_head(key, &bytes)?.version;
    let item_key = str::from_utf8(key).ok().and_then(ItemKey::parse);
    Ok(item_key.map(|key| ItemOnDisk { key, version, bytes }))
}
