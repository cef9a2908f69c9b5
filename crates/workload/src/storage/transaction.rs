//! The items within the transaction of a commit.

use super::{
    MAX_VALUE, StorageError,
    expiry::{EXPIRIES, Expiry, now_millis},
    generations::{Generation, Generations},
    layout::{self, Position},
};
use bytes::Bytes;
use redb::{ReadableTable, ReadableTableMetadata, Table, WriteTransaction};

type WriteTable<'txn> = Table<'txn, &'static [u8], &'static [u8]>;
type ExpiryWriteTable<'txn> = Table<'txn, &'static [u8], u64>;

/// The size of a page of the file.
const PAGE: u64 = 4096;

/// The effect of a conditional write on its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Leaves the key as it is.
    Keep,
    /// Stores this value under the key; it does not expire.
    Put(Bytes),
    /// Stores this value under the key until it expires.
    PutUntil(Bytes, Expiry),
    /// Removes the key if it exists.
    Delete,
}

/// The items as the writes of a batch see and change them, on the writer thread.
pub struct ItemsMut<'txn> {
    transaction: &'txn WriteTransaction,
    table: WriteTable<'txn>,
    /// Opened when it is needed; before that no write needs it if the file has no times.
    expiries: Option<ExpiryWriteTable<'txn>>,
    /// The number of items that expire, as of the last commit.
    expiring: u64,
    generations: Generations,
    changed: Vec<Position>,
    /// The bytes that the transaction may add to the file.
    allowance: u64,
    effects: SpaceEffects,
}

/// What a transaction does to the space in the file, about.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SpaceEffects {
    /// The bytes that its writes add.
    pub(super) added: u64,
    /// The bytes of the values that it replaces or deletes, which the next commit can use.
    pub(super) freed: u64,
    /// The writes that were refused because of the allowance.
    pub(super) refused: u64,
    /// The bytes of the pages that it writes.
    pub(super) written: u64,
}

impl<'txn> ItemsMut<'txn> {
    /// The items in `transaction`, which may add `allowance` bytes; `expiring` items have a time in the
    /// last commit.
    pub(super) fn open(
        transaction: &'txn WriteTransaction,
        expiring: u64,
        allowance: u64,
        generations: Generations,
    ) -> Result<Self, StorageError> {
        Ok(Self {
            transaction,
            table: transaction.open_table(layout::ITEMS)?,
            expiries: None,
            expiring,
            generations,
            changed: Vec::new(),
            allowance,
            effects: SpaceEffects::default(),
        })
    }

    /// The number of items, and of those that expire.
    ///
    /// # Errors
    /// [`StorageError::Disk`].
    pub fn count(&self) -> Result<(u64, u64), StorageError> {
        let expiring = match &self.expiries {
            Some(expiries) => expiries.len()?,
            None => self.expiring,
        };
        Ok((self.table.len()?, expiring))
    }

    /// What the writes so far do to the space in the file.
    pub(super) fn effects(&self) -> SpaceEffects {
        self.effects
    }

    /// The positions of the keys that changed, one for each change.
    pub(super) fn into_changed(self) -> Vec<Position> {
        self.changed
    }

    /// The value of `key`.
    ///
    /// # Errors
    /// [`StorageError::TooLarge`] for a key above the limit; [`StorageError::Disk`].
    pub fn get(&mut self, key: &[u8]) -> Result<Option<Bytes>, StorageError> {
        self.update(key, |value| (Change::Keep, value.map(Bytes::copy_from_slice)))
    }

    /// When `key` expires, if it exists: none if never.
    ///
    /// # Errors
    /// As [`ItemsMut::get`].
    pub fn expiry(&mut self, key: &[u8]) -> Result<Option<Option<u64>>, StorageError> {
        let stored = layout::stored_key(key)?;
        if self.table.get(stored.as_slice())?.is_none() {
            return Ok(None);
        }
        let expiry = self.stored_expiry(&stored)?;
        Ok(expiry.is_none_or(|time| time > now_millis()).then_some(expiry))
    }

    /// Whether no key that shares the count of `generation` has changed since.
    pub fn is_current(&self, generation: Generation) -> bool {
        self.generations.is_current(generation)
    }

    /// Refuses writes of these keys and values if the volume has no room for all of them. After it,
    /// none of them is refused for its room.
    ///
    /// # Errors
    /// [`StorageError::Full`].
    pub fn require_room_for<'a>(
        &mut self,
        pairs: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    ) -> Result<(), StorageError> {
        let spaces = pairs.map(|(key, value)| space_for(layout::stored_len(key) + value.len()));
        self.require_room(spaces.fold(0, u64::saturating_add))
    }

    /// Refuses a write that adds `space` to the file if the volume has no room for it.
    fn require_room(&mut self, space: u64) -> Result<(), StorageError> {
        if self.effects.added.saturating_add(space) > self.allowance {
            self.effects.refused += 1;
            return Err(StorageError::Full);
        }
        Ok(())
    }

    /// Stores `value` under `key` unconditionally.
    ///
    /// # Errors
    /// [`StorageError::TooLarge`]; [`StorageError::Disk`].
    pub fn put(&mut self, key: &[u8], value: &[u8], expiry: Expiry) -> Result<(), StorageError> {
        self.put_stored(&layout::stored_key(key)?, value, expiry)
    }

    /// Removes `key`; true if it existed.
    ///
    /// # Errors
    /// As [`ItemsMut::get`].
    pub fn delete(&mut self, key: &[u8]) -> Result<bool, StorageError> {
        let stored = layout::stored_key(key)?;
        let expired = self.is_expired(&stored)?;
        Ok(self.delete_stored(&stored)? && !expired)
    }

    /// Sets when `key` expires, or that it never does; false if it does not exist.
    ///
    /// # Errors
    /// As [`ItemsMut::get`].
    pub fn set_expiry(&mut self, key: &[u8], time: Option<u64>) -> Result<bool, StorageError> {
        if self.expiry(key)?.is_none() {
            return Ok(false);
        }
        let stored = layout::stored_key(key)?;
        match time {
            Some(time) => drop(self.expiries()?.insert(stored.as_slice(), time)?),
            None => drop(self.expiries()?.remove(stored.as_slice())?),
        }
        self.count_change(&stored);
        Ok(true)
    }

    /// Removes the item under a stored key if it has expired.
    pub(super) fn remove_expired(&mut self, stored: &[u8]) -> Result<bool, StorageError> {
        Ok(self.is_expired(stored)? && self.delete_stored(stored)?)
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
        let expired = self.is_expired(stored)?;
        let before = self.table.get(stored)?.filter(|_| !expired);
        let (change, outcome) = decide(before.as_ref().map(|value| value.value()));
        drop(before);
        match change {
            Change::Keep => {}
            Change::Put(value) => self.put_stored(stored, &value, Expiry::Never)?,
            Change::PutUntil(value, expiry) => self.put_stored(stored, &value, expiry)?,
            Change::Delete => {
                self.delete_stored(stored)?;
            }
        }
        Ok(outcome)
    }

    fn put_stored(
        &mut self,
        stored: &[u8],
        value: &[u8],
        expiry: Expiry,
    ) -> Result<(), StorageError> {
        if value.len() > MAX_VALUE {
            return Err(StorageError::TooLarge { bytes: value.len() });
        }
        self.check_room(stored, value)?;
        match expiry {
            Expiry::Unchanged if !self.is_expired(stored)? => {}
            Expiry::At(time) => drop(self.expiries()?.insert(stored, time)?),
            Expiry::Never | Expiry::Unchanged => self.forget_expiry(stored)?,
        }
        let before = self.table.insert(stored, value)?.map(|before| before.value().len());
        self.effects.added += space_for(stored.len() + value.len());
        self.effects.freed += before.map_or(0, |length| (stored.len() + length) as u64);
        self.count_change(stored);
        Ok(())
    }

    /// Refuses a write that adds more than the volume has room for. One that makes a value shorter, as a
    /// record of a deletion does, adds nothing.
    fn check_room(&mut self, stored: &[u8], value: &[u8]) -> Result<(), StorageError> {
        let is_allowed = self.require_room(space_for(stored.len() + value.len()));
        if is_allowed.is_err() {
            let before = self.table.get(stored)?.map_or(0, |before| before.value().len());
            if value.len() < before {
                self.effects.refused -= 1;
                return Ok(());
            }
        }
        is_allowed
    }

    fn delete_stored(&mut self, stored: &[u8]) -> Result<bool, StorageError> {
        let before = self.table.remove(stored)?.map(|before| before.value().len());
        self.forget_expiry(stored)?;
        if let Some(length) = before {
            self.effects.freed += (stored.len() + length) as u64;
            self.count_change(stored);
        }
        Ok(before.is_some())
    }

    fn count_change(&mut self, stored: &[u8]) {
        let position = Position::of_stored(stored);
        self.effects.written += PAGE;
        self.generations.count_change(position);
        self.changed.push(position);
    }

    fn is_expired(&mut self, stored: &[u8]) -> Result<bool, StorageError> {
        Ok(self.stored_expiry(stored)?.is_some_and(|time| time <= now_millis()))
    }

    fn stored_expiry(&mut self, stored: &[u8]) -> Result<Option<u64>, StorageError> {
        if !self.has_expiries() {
            return Ok(None);
        }
        Ok(self.expiries()?.get(stored)?.map(|time| time.value()))
    }

    fn forget_expiry(&mut self, stored: &[u8]) -> Result<(), StorageError> {
        if self.has_expiries() {
            self.expiries()?.remove(stored)?;
        }
        Ok(())
    }

    fn has_expiries(&self) -> bool {
        self.expiring > 0 || self.expiries.is_some()
    }

    fn expiries(&mut self) -> Result<&mut ExpiryWriteTable<'txn>, StorageError> {
        let table = match self.expiries.take() {
            Some(table) => table,
            None => self.transaction.open_table(EXPIRIES)?,
        };
        Ok(self.expiries.insert(table))
    }
}

/// The room that an item of `bytes` bytes takes in the file. A large one has pages of its own, whose
/// number is a power of two.
fn space_for(bytes: usize) -> u64 {
    let twice = 2 * bytes as u64;
    if twice > PAGE { twice + PAGE } else { twice }
}
