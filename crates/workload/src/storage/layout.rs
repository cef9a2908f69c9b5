//! How items lie in the file: in the order of a hash of their keys.
//!
//! A scan can so be continued from a number alone, with nothing to remember in between: each key
//! has a fixed place, however many others come and go.

use super::{MAX_KEY, StorageError};
use redb::TableDefinition;
use siphasher::sip::SipHasher13;
use std::hash::Hasher;

/// Position and key, to value.
pub(super) const ITEMS: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("items");

/// The bytes that a position takes at the front of a stored key.
const POSITION_BYTES: usize = 6;

/// A key's place in the order of a scan: 48 bits of a hash, the same in every file. Numbers up to
/// 2^53 survive also in clients that keep them as floating point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(u64);

impl Position {
    /// Where a scan begins.
    pub const START: Self = Self(0);
    const LAST: u64 = (1 << (8 * POSITION_BYTES)) - 1;

    /// The place of `key`.
    pub fn of_key(key: &[u8]) -> Self {
        let mut hasher = SipHasher13::new();
        hasher.write(key);
        Self(hasher.finish() & Self::LAST)
    }

    /// The position as a number below 2^48.
    pub fn get(self) -> u64 {
        self.0
    }

    /// The position of this number; none if it is 2^48 or above.
    pub fn new(number: u64) -> Option<Self> {
        (number <= Self::LAST).then_some(Self(number))
    }

    /// The least stored key at this position.
    pub(super) fn key_prefix(self) -> [u8; POSITION_BYTES] {
        let [_, _, bytes @ ..] = self.0.to_be_bytes();
        bytes
    }
}

/// A key as it stands in the file.
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
    fn a_position_never_changes_between_releases() {
        // Files on volumes are in this order.
        assert_eq!(Position::of_key(b"orders/1").get(), 34_849_009_100_896);
    }

    #[test]
    fn stored_keys_order_by_position_and_give_the_key_back() {
        let (a, b) = (b"orders/1".as_slice(), b"catalog/2".as_slice());
        let (stored_a, stored_b) = (stored_key(a).unwrap(), stored_key(b).unwrap());
        assert_eq!(stored_a < stored_b, Position::of_key(a) < Position::of_key(b));
        assert_eq!((user_key(&stored_a), user_key(&stored_b)), (a, b));
        assert!(stored_key(&[0; MAX_KEY + 1]).is_err());
    }
}
