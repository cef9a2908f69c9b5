//! The snapshot that reads share until the next commit.

use super::{StorageError, layout};
use redb::{Database, ReadOnlyTable, ReadableDatabase};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(super) type ReadTable = ReadOnlyTable<&'static [u8], &'static [u8]>;

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

impl SharedSnapshot {
    /// The items as of a commit that no acknowledged write is missing from.
    pub(super) fn open(&self, database: &Database) -> Result<Arc<ReadTable>, StorageError> {
        let commits = {
            let newest = self.lock();
            if let Some(table) = &newest.table {
                return Ok(Arc::clone(table));
            }
            newest.commits
        };
        // Not under the lock: it may wait for the disk.
        let table = Arc::new(database.begin_read()?.open_table(layout::ITEMS)?);
        let mut newest = self.lock();
        // A commit since then may be missing from the snapshot: it serves this read only.
        if newest.commits == commits {
            newest.table = Some(Arc::clone(&table));
        }
        Ok(table)
    }

    /// Also after a panic with the lock: the snapshot is consistent after every statement.
    fn lock(&self) -> MutexGuard<'_, NewestSnapshot> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes later reads see the commit that has ended, before its writes are acknowledged.
    pub(super) fn replace(&self) {
        let mut newest = self.lock();
        newest.commits += 1;
        newest.table = None;
    }
}
