//! When items expire: a table beside that of the items, so that files of earlier versions stay valid
//! and values are stored as they are.
//!
//! An expired item is absent for every read and write from that millisecond on. Its bytes are removed
//! by the next write of its key, or by [`super::Storage::remove_expired`].

use redb::TableDefinition;
use std::time::{SystemTime, UNIX_EPOCH};

/// Maps the stored key of an item that expires to the time: milliseconds since 1970, UTC.
pub(super) const EXPIRIES: TableDefinition<'static, &[u8], u64> = TableDefinition::new("expiries");

/// When a written item expires.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expiry {
    /// Never; an earlier time is forgotten.
    #[default]
    Never,
    /// At this time, in milliseconds since 1970, UTC.
    At(u64),
    /// When the item that it replaces would have expired.
    Unchanged,
}

/// The current time, as expiries count it.
pub fn now_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
