//! The snapshot that reads share until the next commit.

use super::{
    StorageError,
    expiry::{EXPIRIES, now_millis},
    layout, lock,
};
use redb::{AccessGuard, Database, ReadOnlyTable, ReadableDatabase, ReadableTableMetadata};
use std::{
    ops::RangeBounds,
    sync::{Arc, Mutex},
};

type ItemTable = ReadOnlyTable<&'static [u8], &'static [u8]>;
type ExpiryTable = ReadOnlyTable<&'static [u8], u64>;

/// The items of one commit. Those that have expired by now are absent.
pub(super) struct ReadTable {
    items: ItemTable,
    /// None while no item expires.
    expiries: Option<ExpiryTable>,
}

/// The items as of the newest commit, opened by the first read after it.
#[derive(Default)]
pub(super) struct SharedSnapshot {
    newest: Mutex<NewestSnapshot>,
}

#[derive(Default)]
struct NewestSnapshot {
    /// The number of commits so far.
    commits: u64,
    table: Option<Arc<ReadTable>>,
}

/// The value of an item as a read sees it.
pub(super) type ItemGuard<'a> = AccessGuard<'a, &'static [u8]>;

impl ReadTable {
    fn open(database: &Database) -> Result<Self, StorageError> {
        let transaction = database.begin_read()?;
        let expiries = transaction.open_table(EXPIRIES)?;
        Ok(Self {
            items: transaction.open_table(layout::ITEMS)?,
            expiries: (!expiries.is_empty()?).then_some(expiries),
        })
    }

    /// The value under a stored key.
    pub(super) fn get(&self, stored: &[u8]) -> Result<Option<ItemGuard<'_>>, StorageError> {
        let Some(value) = self.items.get(stored)? else { return Ok(None) };
        Ok((!self.is_expired(stored)?).then_some(value))
    }

    /// Stored keys and values in their order. Only here, items that have expired are not left out:
    /// see [`ReadTable::is_expired`].
    pub(super) fn range<'a>(
        &'a self,
        range: impl RangeBounds<&'a [u8]> + 'a,
    ) -> Result<redb::Range<'static, &'static [u8], &'static [u8]>, StorageError> {
        Ok(self.items.range::<&[u8]>(range)?)
    }

    /// Whether the item under a stored key has expired.
    pub(super) fn is_expired(&self, stored: &[u8]) -> Result<bool, StorageError> {
        let Some(expiries) = &self.expiries else { return Ok(false) };
        Ok(expiries.get(stored)?.is_some_and(|time| time.value() <= now_millis()))
    }

    /// When the item under a stored key expires, if it exists: none if never.
    pub(super) fn expiry(&self, stored: &[u8]) -> Result<Option<Option<u64>>, StorageError> {
        if self.get(stored)?.is_none() {
            return Ok(None);
        }
        let Some(expiries) = &self.expiries else { return Ok(Some(None)) };
        Ok(Some(expiries.get(stored)?.map(|time| time.value())))
    }

    /// The times at which items expire, by stored key; none while no item expires.
    pub(super) fn expiries(&self) -> Option<&ExpiryTable> {
        self.expiries.as_ref()
    }
}

impl SharedSnapshot {
    /// The items as of a commit that no acknowledged write is missing from.
    pub(super) fn open(&self, database: &Database) -> Result<Arc<ReadTable>, StorageError> {
        let commits = {
            let newest = lock(&self.newest);
            if let Some(table) = &newest.table {
                return Ok(Arc::clone(table));
            }
            newest.commits
        };
        // Not under the lock: it may wait for the disk.
        let table = Arc::new(ReadTable::open(database)?);
        let mut newest = lock(&self.newest);
        // A commit since then may be missing from the snapshot: it serves this read only.
        if newest.commits == commits {
            newest.table = Some(Arc::clone(&table));
        }
        Ok(table)
    }

    /// Makes later reads see the commit that has ended, before its writes are acknowledged.
    pub(super) fn replace(&self) {
        let mut newest = lock(&self.newest);
        newest.commits += 1;
        newest.table = None;
    }
}
