//! The copies on this peer's own disk.
//!
//! A copy is only ever replaced by a newer version, whatever the order in which writes arrive.

use super::wire::{ItemCopy, ItemVersion, ListedItem, ReadReply};
use crate::storage::{Change, Storage, StorageError};
use bytes::Bytes;
use maquette_contract::{ItemKey, Version};
use serde::Deserialize;
use serde_json::value::RawValue;

/// How many items are looked up at once: what bounds the memory that large values take.
const LOOKUP_BATCH: usize = 16;

/// Why the disk did not serve.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReplicaError {
    /// It failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// What is there is not what a peer writes.
    #[error("item {key} on disk is no record: {source}; restore the volume")]
    Damaged {
        /// The item.
        key: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

/// A stored record whose value is not looked into.
#[derive(Deserialize)]
struct StoredRecord<'a> {
    version: Version,
    #[serde(borrow)]
    value: &'a RawValue,
}

fn parse_record<'a>(key: &[u8], bytes: &'a [u8]) -> Result<StoredRecord<'a>, ReplicaError> {
    let damaged =
        |source| ReplicaError::Damaged { key: String::from_utf8_lossy(key).into_owned(), source };
    serde_json::from_slice(bytes).map_err(damaged)
}

/// An item as it lies on disk.
#[derive(Clone, Debug)]
pub(super) struct ItemOnDisk {
    pub(super) key: ItemKey,
    pub(super) version: Version,
    /// The record's JSON.
    pub(super) bytes: Bytes,
}

impl ItemOnDisk {
    /// The copy to send.
    pub(super) fn to_copy(&self) -> Result<ItemCopy, ReplicaError> {
        let damaged = |source| ReplicaError::Damaged { key: self.key.to_string(), source };
        let record = serde_json::from_slice(&self.bytes).map_err(damaged)?;
        Ok(ItemCopy { key: self.key.clone(), record })
    }
}

/// The copies on one disk.
#[derive(Clone)]
pub(super) struct Replica {
    storage: Storage,
}

impl Replica {
    pub(super) fn new(storage: Storage) -> Self {
        Self { storage }
    }

    /// What is held of an item.
    pub(super) async fn read_copy(
        &self,
        key: &ItemKey,
        version_only: bool,
        votes: bool,
    ) -> Result<ReadReply, ReplicaError> {
        let key = key.to_string();
        let Some(bytes) = self.storage.get(key.as_bytes()).await? else {
            return Ok(ReadReply { counts_for_quorum: votes, version: None, value: None });
        };
        let stored = parse_record(key.as_bytes(), &bytes)?;
        let value = (!version_only).then(|| serde_json::from_str(stored.value.get())).transpose();
        let value = value.map_err(|source| ReplicaError::Damaged { key, source })?;
        Ok(ReadReply { counts_for_quorum: votes, version: Some(stored.version), value })
    }

    /// Keeps each copy unless a newer one is there; gives the versions that are on disk then.
    pub(super) async fn write_if_newer(
        &self,
        copies: Vec<ItemCopy>,
    ) -> Result<Vec<Version>, ReplicaError> {
        let mut outcomes = Vec::with_capacity(copies.len());
        for ItemCopy { key, record } in copies {
            let key = key.to_string();
            let bytes = serde_json::to_vec(&record)
                .map_err(|source| ReplicaError::Damaged { key: key.clone(), source })?;
            let decide = move |before: Option<&[u8]>| match before.and_then(parse_version) {
                Some(held) if held >= record.version => (Change::Keep, held),
                _ => (Change::Put(bytes.into()), record.version),
            };
            // Queued together, they share a commit.
            outcomes.push(self.storage.submit(key.as_bytes(), decide).await?);
        }
        let mut versions = Vec::with_capacity(outcomes.len());
        for outcome in outcomes {
            versions.push(outcome.await?);
        }
        Ok(versions)
    }

    /// For each, whether neither that version nor a newer one is on disk.
    pub(super) async fn find_missing(
        &self,
        items: &[ItemVersion],
    ) -> Result<Vec<bool>, ReplicaError> {
        let mut lacking = Vec::with_capacity(items.len());
        for some in items.chunks(LOOKUP_BATCH) {
            let keys: Vec<String> = some.iter().map(|mark| mark.key.to_string()).collect();
            let values = self.storage.multi_get(&keys).await?;
            lacking.extend(some.iter().zip(values).map(|(mark, value)| {
                value.as_deref().and_then(parse_version).is_none_or(|held| held < mark.version)
            }));
        }
        Ok(lacking)
    }

    /// Drops a copy that others hold, unless it was replaced meanwhile.
    pub(super) async fn drop_copy(&self, copy: &ItemOnDisk) -> Result<(), ReplicaError> {
        let key = copy.key.to_string();
        let seen = copy.version.clone();
        let decide = move |before: Option<&[u8]>| match before.and_then(parse_version) {
            Some(held) if held == seen => (Change::Delete, ()),
            _ => (Change::Keep, ()),
        };
        Ok(self.storage.update(key.as_bytes(), decide).await?)
    }

    /// How many items are held.
    pub(super) fn count(&self) -> u64 {
        self.storage.item_count()
    }

    /// Up to `limit` items after the key `after`; none only at the end.
    pub(super) async fn read_page(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<ItemOnDisk>, ReplicaError> {
        let items = self.storage.scan(after.map(str::as_bytes), limit).await?;
        let parse = |(key, bytes): (Bytes, Bytes)| {
            let version = parse_record(&key, &bytes)?.version;
            // Only peers write here, and only under keys of items.
            let item = str::from_utf8(&key).ok().and_then(ItemKey::parse);
            Ok(item.map(|key| ItemOnDisk { key, version, bytes }))
        };
        items.into_iter().map(parse).filter_map(Result::transpose).collect()
    }

    /// A list of up to `limit` items after the key `after`.
    pub(super) async fn list_items(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<ListedItem>, ReplicaError> {
        let page = self.read_page(after, limit).await?;
        let entry = |item: ItemOnDisk| {
            let size =
                parse_record(item.key.to_string().as_bytes(), &item.bytes)?.value.get().len();
            Ok(ListedItem { key: item.key, version: item.version, bytes: size as u64 })
        };
        page.into_iter().map(entry).collect()
    }
}

/// The version of a stored record; none for what is no record, which any write may replace.
fn parse_version(bytes: &[u8]) -> Option<Version> {
    serde_json::from_slice::<StoredRecord>(bytes).ok().map(|stored| stored.version)
}
