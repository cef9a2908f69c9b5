//! The order of items in the file: by a hash of their keys.
//!
//! Each key has a fixed position, whatever other keys exist. So a scan continues from a number
//! alone, without state in the server.

use super::{MAX_KEY, StorageError};
use redb::TableDefinition;
use siphasher::sip::SipHasher13;
use std::hash::Hasher;

/// Maps position and key to value.
pub(super) const ITEMS: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("items");

/// The length of the position, which is the prefix of a stored key.
const POSITION_BYTES: usize = 6;

/// A key's position in a scan: 48 bits of a hash, the same in every file. Clients that hold cursors
/// as floating point keep integers up to 2^53 exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(u64);

impl Position {
    /// The start of a scan.
    pub const START: Self = Self(0);
    const LAST: u64 = (1 << (8 * POSITION_BYTES)) - 1;

    /// The position of `key`.
    pub fn of_key(key: &[u8]) -> Self {
        let mut hasher = SipHasher13::new();
        hasher.write(key);
        Self(hasher.finish() & Self::LAST)
    }

    /// The position as a number below 2^48.
    pub fn get(self) -> u64 {
        self.0
    }

    /// The position with this number; none from 2^48 on.
    pub fn new(number: u64) -> Option<Self> {
        (number <= Self::LAST).then_some(Self(number))
    }

    /// The position of a stored key: its prefix.
    pub(super) fn of_stored(stored: &[u8]) -> Self {
        let prefix = stored.iter().take(POSITION_BYTES);
        Self(prefix.fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// The smallest stored key at this position.
    pub(super) fn key_prefix(self) -> [u8; POSITION_BYTES] {
        let [_, _, bytes @ ..] = self.0.to_be_bytes();
        bytes
    }
}

/// The length of the key as the file stores it.
pub(super) fn stored_len(key: &[u8]) -> usize {
    POSITION_BYTES + key.len()
}

/// The key as the file stores it: position, then key.
pub(super) fn stored_key(key: &[u8]) -> Result<Vec<u8>, StorageError> {
    if key.len() > MAX_KEY {
        return Err(StorageError::TooLarge { bytes: key.len() });
    }
    let mut stored = Vec::with_capacity(POSITION_BYTES + key.len());
    stored.extend_from_slice(&Position::of_key(key).key_prefix());
    stored.extend_from_slice(key);
    Ok(stored)
}

/// The user's key in a stored one.
pub(super) fn user_key(stored: &[u8]) -> &[u8] {
    stored.get(POSITION_BYTES..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_the_same_in_every_release() {
        // The files on existing volumes are in this order.
        assert_eq!(Position::of_key(b"orders/1").get(), 34_849_009_100_896);
    }

    #[test]
    fn stored_keys_order_by_position_and_give_the_key_back() {
        let (a, b) = (b"orders/1".as_slice(), b"catalog/2".as_slice());
        let (stored_a, stored_b) = (stored_key(a).unwrap(), stored_key(b).unwrap());
        assert_eq!(stored_a < stored_b, Position::of_key(a) < Position::of_key(b));
        assert_eq!((user_key(&stored_a), user_key(&stored_b)), (a, b));
        assert_eq!(Position::of_stored(&stored_a), Position::of_key(a));
        assert!(stored_key(&[0; MAX_KEY + 1]).is_err());
    }
}
