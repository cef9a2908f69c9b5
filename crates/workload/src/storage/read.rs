//! Reads: each sees the newest commit, and no commit waits for a read.
//!
//! Short reads run in the task of their caller as long as the kernel has the pages in memory
//! ([`super::file::PageCache`]); all others run on threads that may wait for the disk.

use super::{Inner, Position, Storage, StorageError, layout, snapshot::ReadTable};
use bytes::Bytes;
use std::{ops::Bound, sync::Arc};

/// A page of items ends after this many bytes of keys and values, also below its limit.
pub const PAGE_BYTES: usize = 1024 * 1024;
/// A page of keys ends after this many bytes.
const KEY_PAGE_BYTES: usize = 64 * 1024;
/// The most keys of a short read: about 100 µs.
const MAX_SHORT_READ: usize = 64;

impl Inner {
    fn read<R>(
        &self,
        read: impl FnOnce(&ReadTable) -> Result<R, StorageError>,
    ) -> Result<R, StorageError> {
        let outcome = self.snapshot.open(&self.database).and_then(|items| read(&items));
        if let Err(error @ StorageError::Disk(_)) = &outcome {
            tracing::error!(%error, "a read failed");
            error.report_first(&self.failure);
        }
        outcome
    }
}

impl Storage {
    /// The value of `key`.
    ///
    /// # Errors
    /// [`StorageError::Disk`]; [`StorageError::TooLarge`] for a key above the limit.
    pub async fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StorageError> {
        let stored = layout::stored_key(key)?;
        self.run_read(1, move |items| read_value(items, &stored)).await
    }

    /// Calls `use_value` with the value of `key`, without a copy, and returns its result. None, without
    /// a call, if the read may have to wait for the disk.
    ///
    /// # Errors
    /// As [`Storage::get`].
    pub fn try_read<R>(
        &self,
        key: &[u8],
        use_value: impl FnOnce(Option<&[u8]>) -> R,
    ) -> Result<Option<R>, StorageError> {
        let stored = layout::stored_key(key)?;
        if !self.inner.page_cache.allows_read_in_task() {
            return Ok(None);
        }
        let read = self.inner.read(|items| {
            let found = items.get(&stored)?;
            Ok(use_value(found.as_ref().map(|value| value.value())))
        });
        read.map(Some)
    }

    /// The values of `keys`, in their order.
    ///
    /// # Errors
    /// As [`Storage::get`].
    pub async fn multi_get<K: AsRef<[u8]>>(
        &self,
        keys: &[K],
    ) -> Result<Vec<Option<Bytes>>, StorageError> {
        let mut values = Vec::with_capacity(keys.len());
        while let Some(missing) = keys.get(values.len()..).filter(|missing| !missing.is_empty()) {
            values.extend(self.read_page(missing).await?);
        }
        Ok(values)
    }

    /// The values of the first of `keys`, in their order, from one snapshot: of all keys, or of
    /// fewer (at least one) if the values exceed 1 MiB together.
    ///
    /// # Errors
    /// As [`Storage::get`].
    pub async fn read_page<K: AsRef<[u8]>>(
        &self,
        keys: &[K],
    ) -> Result<Vec<Option<Bytes>>, StorageError> {
        let stored = stored_keys(keys)?;
        self.run_read(keys.len(), move |items| read_value_page(items, &stored)).await
    }

    /// As [`Storage::read_page`], but the values have at most `max_bytes` together. The page is empty if
    /// the first value alone has more.
    ///
    /// # Errors
    /// As [`Storage::get`].
    pub async fn read_small_page<K: AsRef<[u8]>>(
        &self,
        keys: &[K],
        max_bytes: usize,
    ) -> Result<Vec<Option<Bytes>>, StorageError> {
        let stored = stored_keys(keys)?;
        self.run_read(keys.len(), move |items| read_small_value_page(items, &stored, max_bytes))
            .await
    }

    /// The number of `keys` that exist; a key that is listed twice counts twice.
    ///
    /// # Errors
    /// As [`Storage::get`].
    pub async fn count_existing<K: AsRef<[u8]>>(&self, keys: &[K]) -> Result<u64, StorageError> {
        let stored = stored_keys(keys)?;
        self.run_read(keys.len(), move |items| {
            let mut count = 0;
            for key in stored {
                count += u64::from(items.get(&key)?.is_some());
            }
            Ok(count)
        })
        .await
    }

    /// Up to `limit` items after the key `after`, or from the start. The order is that of
    /// [`Position`] and, within one position, of keys: the same in every file. A page above 1 MiB
    /// ends early with at least one item, so only an empty page means the end.
    ///
    /// # Errors
    /// As [`Storage::get`].
    pub async fn scan(
        &self,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, StorageError> {
        let stored = after.map(layout::stored_key).transpose()?;
        self.run_long_read(move |items| scan_page(items, stored.as_deref(), limit)).await
    }

    /// About `limit` keys from `start` on, and the position of the next page; none at the end. The
    /// keys of one position are on one page, so a scan returns every key that exists throughout.
    ///
    /// # Errors
    /// As [`Storage::get`].
    pub async fn scan_keys(
        &self,
        start: Position,
        limit: usize,
    ) -> Result<(Vec<Bytes>, Option<Position>), StorageError> {
        self.run_long_read(move |items| scan_key_page(items, start, limit)).await
    }

    /// Runs `read`, which looks `keys` keys up.
    pub(super) async fn run_read<R: Send + 'static>(
        &self,
        keys: usize,
        read: impl FnOnce(&ReadTable) -> Result<R, StorageError> + Send + 'static,
    ) -> Result<R, StorageError> {
        if keys <= MAX_SHORT_READ && self.inner.page_cache.allows_read_in_task() {
            self.inner.read(read)
        } else {
            self.run_long_read(read).await
        }
    }

    /// Runs `read` on a thread that may wait for the disk.
    pub(super) async fn run_long_read<R: Send + 'static>(
        &self,
        read: impl FnOnce(&ReadTable) -> Result<R, StorageError> + Send + 'static,
    ) -> Result<R, StorageError> {
        let inner = Arc::clone(&self.inner);
        let reading = tokio::task::spawn_blocking(move || inner.read(read));
        reading.await.unwrap_or(Err(StorageError::Closed))
    }
}

fn stored_keys<K: AsRef<[u8]>>(keys: &[K]) -> Result<Vec<Vec<u8>>, StorageError> {
    keys.iter().map(|key| layout::stored_key(key.as_ref())).collect()
}

fn read_value_page(
    items: &ReadTable,
    keys: &[Vec<u8>],
) -> Result<Vec<Option<Bytes>>, StorageError> {
    let mut page = Vec::with_capacity(keys.len());
    let mut bytes = 0;
    for key in keys {
        let found = read_value(items, key)?;
        bytes += found.as_ref().map_or(0, Bytes::len);
        page.push(found);
        if bytes >= PAGE_BYTES {
            break;
        }
    }
    Ok(page)
}

fn read_small_value_page(
    items: &ReadTable,
    keys: &[Vec<u8>],
    max_bytes: usize,
) -> Result<Vec<Option<Bytes>>, StorageError> {
    let mut page = Vec::new();
    let mut bytes = 0;
    for key in keys {
        let found = items.get(key)?;
        bytes += found.as_ref().map_or(0, |value| value.value().len());
        if bytes > max_bytes {
            break;
        }
        page.push(found.map(|value| Bytes::copy_from_slice(value.value())));
    }
    Ok(page)
}

fn read_value(items: &ReadTable, stored: &[u8]) -> Result<Option<Bytes>, StorageError> {
    Ok(items.get(stored)?.map(|value| Bytes::copy_from_slice(value.value())))
}

fn scan_page(
    items: &ReadTable,
    after: Option<&[u8]>,
    limit: usize,
) -> Result<Vec<(Bytes, Bytes)>, StorageError> {
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    let mut page = Vec::new();
    let mut bytes = 0;
    for item in items.range((from, Bound::Unbounded))? {
        let (stored, value) = item?;
        if items.is_expired(stored.value())? {
            continue;
        }
        let key = Bytes::copy_from_slice(layout::user_key(stored.value()));
        let value = Bytes::copy_from_slice(value.value());
        bytes += key.len() + value.len();
        page.push((key, value));
        if page.len() >= limit || bytes >= PAGE_BYTES {
            break;
        }
    }
    Ok(page)
}

fn scan_key_page(
    items: &ReadTable,
    start: Position,
    limit: usize,
) -> Result<(Vec<Bytes>, Option<Position>), StorageError> {
    let mut page: Vec<Bytes> = Vec::new();
    let mut last = None;
    let mut bytes = 0;
    for item in items.range(start.key_prefix().as_slice()..)? {
        let (stored, _) = item?;
        let key = layout::user_key(stored.value());
        let position = Position::of_key(key);
        let full = page.len() >= limit || bytes >= KEY_PAGE_BYTES;
        if full && last != Some(position) {
            return Ok((page, Some(position)));
        }
        last = Some(position);
        if !items.is_expired(stored.value())? {
            bytes += key.len();
            page.push(Bytes::copy_from_slice(key));
        }
    }
    Ok((page, None))
}
