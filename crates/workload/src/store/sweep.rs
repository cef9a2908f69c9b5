//! Removes items that have expired and that no request has touched since.

use crate::storage::{Storage, StorageError};
use std::time::Duration;
use tokio::time::sleep;

/// Between two steps, unless much has expired.
const INTERVAL: Duration = Duration::from_millis(250);
/// The times that one step looks at, and so the most items that it removes.
const STEP: usize = 1000;

/// Sweeps over all items that expire, again and again, in steps that keep no other write waiting.
///
/// # Errors
/// If the disk fails.
pub(super) async fn remove_expired_items(storage: &Storage) -> Result<(), StorageError> {
    let mut start = None;
    loop {
        if storage.expiring_count() == 0 {
            start = None;
            sleep(INTERVAL).await;
            continue;
        }
        let step = storage.remove_expired(start.take(), STEP).await?;
        // As in Redis, where much has expired there is likely more.
        let is_busy = step.removed * 4 > step.examined && step.next.is_some();
        start = step.next;
        if !is_busy {
            sleep(INTERVAL).await;
        }
    }
}
