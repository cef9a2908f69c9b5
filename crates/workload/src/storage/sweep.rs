//! The removal of items that have expired.

use super::{Storage, StorageError, expiry::now_millis, layout, snapshot::ReadTable};
use std::ops::Bound;

/// What one step of [`Storage::remove_expired`] has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SweepStep {
    /// The number of times looked at.
    pub examined: usize,
    /// The number of items removed.
    pub removed: usize,
    /// Where the next step continues; none at the end.
    pub next: Option<Vec<u8>>,
}

impl Storage {
    /// When `key` expires, if it exists: none if never.
    ///
    /// # Errors
    /// As [`Storage::get`].
    pub async fn expiry(&self, key: &[u8]) -> Result<Option<Option<u64>>, StorageError> {
        let stored = layout::stored_key(key)?;
        self.run_read(1, move |items| items.expiry(&stored)).await
    }

    /// Looks at up to `limit` times after `start` and removes the items that have expired, in one
    /// commit.
    ///
    /// # Errors
    /// [`StorageError::Disk`]; [`StorageError::Closed`].
    pub async fn remove_expired(
        &self,
        start: Option<Vec<u8>>,
        limit: usize,
    ) -> Result<SweepStep, StorageError> {
        let now = now_millis();
        let (mut step, expired) = self
            .run_long_read(move |items| find_expired(items, start.as_deref(), limit, now))
            .await?;
        if !expired.is_empty() {
            let removing = self.submit_batch(move |items| {
                expired.iter().try_fold(0, |removed, stored| {
                    Ok(removed + usize::from(items.remove_expired(stored)?))
                })
            });
            step.removed = removing.await?.await?;
        }
        Ok(step)
    }
}

fn find_expired(
    items: &ReadTable,
    start: Option<&[u8]>,
    limit: usize,
    now: u64,
) -> Result<(SweepStep, Vec<Vec<u8>>), StorageError> {
    let mut step = SweepStep { examined: 0, removed: 0, next: None };
    let mut expired = Vec::new();
    let Some(expiries) = items.expiries() else { return Ok((step, expired)) };
    let from = start.map_or(Bound::Unbounded, Bound::Excluded);
    for entry in expiries.range::<&[u8]>((from, Bound::Unbounded))?.take(limit) {
        let (stored, time) = entry?;
        step.examined += 1;
        if time.value() <= now {
            expired.push(stored.value().to_vec());
        }
        if step.examined == limit {
            step.next = Some(stored.value().to_vec());
        }
    }
    Ok((step, expired))
}
