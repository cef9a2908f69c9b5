//! The items within the transaction of a commit.

use super::{MAX_VALUE, StorageError, layout};
use bytes::Bytes;
use redb::{ReadableTable, ReadableTableMetadata, Table, WriteTransaction};

type WriteTable<'txn> = Table<'txn, &'static [u8], &'static [u8]>;

/// The effect of a conditional write on its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Leaves the key as it is.
    Keep,
    /// Stores this value under the key.
    Put(Bytes),
    /// Removes the key if it exists.
    Delete,
}

/// The items as the writes of a batch see and change them, on the writer thread.
pub struct ItemsMut<'txn> {
    table: WriteTable<'txn>,
    changes: u32,
}

impl<'txn> ItemsMut<'txn> {
    pub(super) fn open(transaction: &'txn WriteTransaction) -> Result<Self, StorageError> {
        Ok(Self { table: transaction.open_table(layout::ITEMS)?, changes: 0 })
    }

    /// The number of writes that changed an item.
    pub(super) fn changes(&self) -> u32 {
        self.changes
    }

    pub(super) fn count(&self) -> Result<u64, StorageError> {
        Ok(self.table.len()?)
    }

    /// Stores `value` under `key` unconditionally.
    ///
    /// # Errors
    /// [`StorageError::TooLarge`]; [`StorageError::Disk`].
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StorageError> {
        self.put_stored(&layout::stored_key(key)?, value)
    }

    /// Removes `key`; true if it existed.
    ///
    /// # Errors
    /// [`StorageError::TooLarge`] for a key above the limit; [`StorageError::Disk`].
    pub fn delete(&mut self, key: &[u8]) -> Result<bool, StorageError> {
        self.delete_stored(&layout::stored_key(key)?)
    }

    /// Changes `key` as `decide` says, which receives the current value and returns the change and
    /// a result for the caller.
    ///
    /// # Errors
    /// As [`ItemsMut::put`].
    pub fn update<R>(
        &mut self,
        key: &[u8],
        decide: impl FnOnce(Option<&[u8]>) -> (Change, R),
    ) -> Result<R, StorageError> {
        self.update_stored(&layout::stored_key(key)?, decide)
    }

    pub(super) fn update_stored<R>(
        &mut self,
        stored: &[u8],
        decide: impl FnOnce(Option<&[u8]>) -> (Change, R),
    ) -> Result<R, StorageError> {
        let before = self.table.get(stored)?;
        let (change, outcome) = decide(before.as_ref().map(|value| value.value()));
        drop(before);
        match change {
            Change::Keep => {}
            Change::Put(value) => self.put_stored(stored, &value)?,
            Change::Delete => {
                self.delete_stored(stored)?;
            }
        }
        Ok(outcome)
    }

    fn put_stored(&mut self, stored: &[u8], value: &[u8]) -> Result<(), StorageError> {
        if value.len() > MAX_VALUE {
            return Err(StorageError::TooLarge { bytes: value.len() });
        }
        self.table.insert(stored, value)?;
        self.changes += 1;
        Ok(())
    }

    fn delete_stored(&mut self, stored: &[u8]) -> Result<bool, StorageError> {
        let existed = self.table.remove(stored)?.is_some();
        self.changes += u32::from(existed);
        Ok(existed)
    }
}
