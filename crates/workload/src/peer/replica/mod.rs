//! The copies on this peer's own disk.
//!
//! Owns their form on disk, and the rule that a copy is replaced only by a newer version, in
//! whatever order writes arrive. It never sends a request, and does not depend on the owners of items.

mod item;
mod record;

pub(crate) use item::{ItemCopy, ItemOnDisk, ItemVersion, ListedItem, PageEntry, key_text};

use crate::runtime::{DamagedItemLog, wall_millis};
use crate::storage::{Change, Storage, StorageError};
use bytes::Bytes;
use maquette_contract::{ItemKey, Record, RecordError, RecordHead, Version, VersionAheadError};
use record::parse_version;
use std::sync::Arc;

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
    /// A copy that another peer sent has a version that is too far ahead.
    #[error(transparent)]
    Ahead(#[from] VersionAheadError),
    /// A record cannot be written as JSON, or read from it.
    #[error("item {key} is not a record: {source}")]
    NotARecord {
        /// The key of the item.
        key: ItemKey,
        /// What is wrong with the record.
        source: serde_json::Error,
    },
}

/// The copy of an item on this disk.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum StoredCopy {
    /// There is none.
    Absent,
    /// It can be used.
    Intact {
        /// The version of the record.
        version: Version,
        /// Whether it is a tombstone.
        deleted: bool,
        /// `None` if only the version was requested.
        record: Option<Record>,
    },
    /// What is stored cannot be used.
    Damaged,
}

/// The copies on one disk; clones share it.
#[derive(Clone)]
pub(crate) struct Replica {
    storage: Storage,
    damaged: Arc<DamagedItemLog>,
}

impl Replica {
    pub(crate) fn new(storage: Storage) -> Self {
        Self { storage, damaged: Arc::default() }
    }

    /// The damaged copies that were found so far, and are not replaced yet.
    pub(crate) fn damaged(&self) -> &DamagedItemLog {
        &self.damaged
    }

    fn note_damaged(&self, key: &ItemKey, error: &RecordError) {
        self.damaged.add(key, "this peer's disk", error);
    }

    /// The version of an item and, unless `version_only`, its record.
    pub(crate) async fn read_copy(
        &self,
        key: &ItemKey,
        version_only: bool,
    ) -> Result<StoredCopy, ReplicaError> {
        let Some(bytes) = self.storage.get(key.to_string().as_bytes()).await? else {
            return Ok(StoredCopy::Absent);
        };
        let now = wall_millis();
        let read = if version_only {
            RecordHead::read(&bytes, now).map(|head| {
                let deleted = head.value_bytes.is_none();
                StoredCopy::Intact { version: head.version, deleted, record: None }
            })
        } else {
            let record = Record::read(&bytes, now);
            record.map(|record| StoredCopy::Intact {
                version: record.version.clone(),
                deleted: record.value().is_none(),
                record: Some(record),
            })
        };
        Ok(read.unwrap_or_else(|error| {
            self.note_damaged(key, &error);
            StoredCopy::Damaged
        }))
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
                .map_err(|source| ReplicaError::NotARecord { key: key.clone(), source })?;
            // All writes are queued before the first outcome is awaited: they share a commit.
            let outcome = self
                .storage
                .submit(stored_key.as_bytes(), move |before| match before.and_then(parse_version) {
                    Some(stored) if stored >= record.version => (Change::Keep, stored),
                    _ => (Change::Put(bytes.into()), record.version),
                })
                .await?;
            outcomes.push((key, outcome));
        }
        let mut versions = Vec::with_capacity(outcomes.len());
        for (key, outcome) in outcomes {
            versions.push(outcome.await?);
            self.damaged.remove(&key);
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
        let version = copy.head.version.clone();
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

    /// Drops a damaged copy unless it was replaced meanwhile.
    pub(crate) async fn drop_damaged_copy(&self, key: &ItemKey) -> Result<(), ReplicaError> {
        self.storage
            .update(key.to_string().as_bytes(), move |before| match before.map(RecordHead::parse) {
                Some(Err(_)) => (Change::Delete, ()),
                Some(Ok(_)) | None => (Change::Keep, ()),
            })
            .await?;
        self.damaged.remove(key);
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
    ) -> Result<Vec<PageEntry>, ReplicaError> {
        let mut after = after.map(|key| Bytes::copy_from_slice(key.as_bytes()));
        loop {
            let raw = self.storage.scan(after.as_deref(), limit).await?;
            let Some((last, _)) = raw.last() else { return Ok(vec![]) };
            after = Some(last.clone());
            let page: Vec<PageEntry> =
                raw.into_iter().filter_map(|(key, bytes)| self.read_entry(&key, bytes)).collect();
            if !page.is_empty() {
                return Ok(page);
            }
        }
    }

    /// `None` if the key is not one of an item; only items are written here.
    fn read_entry(&self, key: &[u8], bytes: Bytes) -> Option<PageEntry> {
        let key = str::from_utf8(key).ok().and_then(ItemKey::parse)?;
        match RecordHead::read(&bytes, wall_millis()) {
            Ok(head) => Some(PageEntry::Intact(ItemOnDisk { key, head, bytes })),
            Err(error) => {
                self.note_damaged(&key, &error);
                Some(PageEntry::Damaged(key))
            }
        }
    }

    /// A list of up to `limit` items after the key `after`.
    pub(crate) async fn list_items(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<ListedItem>, ReplicaError> {
        let page = self.read_page(after, limit).await?;
        Ok(page.into_iter().map(PageEntry::into_listed).collect())
    }
}
