//! The file of redb, which reads what the kernel has in memory without waiting for the disk.

use super::volume::reserve::{Reserve, is_full};
use redb::{BackendError, StorageBackend, backends::FileBackend};
use rustix::io::{Errno, ReadWriteFlags, preadv2};
use std::{
    fs::File,
    io::{self, IoSliceMut},
    ops::Bound,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};
use tokio::runtime::{Handle, RuntimeFlavor};

/// After a page that was not in memory, this many reads run on threads that may wait for the disk.
const CAUTIOUS_READS: u32 = 256;

/// Whether the pages that reads need were in memory recently; clones share the answer.
///
/// A task that waits for the disk keeps other tasks from its thread. So reads run in their task only
/// as long as no page had to come from the disk.
#[derive(Clone, Debug, Default)]
pub(super) struct PageCache {
    cautious_reads: Arc<AtomicU32>,
}

impl PageCache {
    /// Whether the next read may run in its task. Counts the read.
    pub(super) fn allows_read_in_task(&self) -> bool {
        let cautious = &self.cautious_reads;
        cautious
            .try_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
            .is_err()
    }

    fn record_miss(&self) {
        self.cautious_reads.store(CAUTIOUS_READS, Ordering::Relaxed);
    }
}

/// redb's own backend, with reads that note whether they waited for the disk.
#[derive(Debug)]
pub(super) struct ItemFile {
    backend: FileBackend,
    file: File,
    cache: PageCache,
    reserve: Arc<Reserve>,
}

impl ItemFile {
    /// Serves `file`, and notes in `cache` which reads waited for the disk. A write that finds the volume
    /// full gets the room of `reserve`.
    pub(super) fn new(
        file: File,
        cache: PageCache,
        reserve: Arc<Reserve>,
    ) -> Result<Self, redb::Error> {
        let reads = file.try_clone().map_err(redb::Error::Io)?;
        Ok(Self { backend: FileBackend::new(file)?, file: reads, cache, reserve })
    }

    /// Repeats a write that finds the volume full, with the room of the reserve.
    fn with_reserve(&self, write: impl Fn() -> io::Result<()>) -> io::Result<()> {
        match write() {
            Err(error) if is_full(&error) && self.reserve.release() => {
                tracing::error!(%error, "the volume is full: the reserve is used");
                write()
            }
            outcome => outcome,
        }
    }

    /// Fills `out` from the kernel's memory; false if a part of it is not there, or if the file
    /// system cannot tell.
    fn read_cached(&self, offset: u64, out: &mut [u8]) -> io::Result<bool> {
        let length = out.len();
        let mut slices = [IoSliceMut::new(out)];
        match preadv2(&self.file, &mut slices, offset, ReadWriteFlags::NOWAIT) {
            Ok(read) => Ok(read == length),
            Err(Errno::AGAIN | Errno::OPNOTSUPP | Errno::INTR | Errno::NOSYS) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// Runs `read`, which waits for the disk; on a thread of the runtime, another thread takes over the
/// other tasks.
fn wait_for_disk<R>(read: impl FnOnce() -> R) -> R {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(read),
        _ => read(),
    }
}

impl StorageBackend for ItemFile {
    fn len(&self) -> io::Result<u64> {
        self.backend.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if self.read_cached(offset, out)? {
            return Ok(());
        }
        self.cache.record_miss();
        wait_for_disk(|| self.backend.read(offset, out))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.with_reserve(|| self.backend.set_len(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.backend.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.with_reserve(|| self.backend.write(offset, data))
    }

    fn close(&self) -> io::Result<()> {
        self.backend.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.backend.try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.backend.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.backend.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.backend.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.backend.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.backend.query_lock_range(start, end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Storage;

    #[test]
    fn reads_leave_their_tasks_for_a_while_after_one_that_waited_for_the_disk() {
        let cache = PageCache::default();
        assert!(cache.allows_read_in_task());
        cache.record_miss();
        assert!((0..CAUTIOUS_READS).all(|_| !cache.allows_read_in_task()));
        assert!(cache.allows_read_in_task());
    }

    #[tokio::test]
    async fn reads_have_the_same_result_on_other_threads() {
        let directory = tempfile::TempDir::new().unwrap();
        let storage = Storage::open(directory.path()).unwrap();
        storage.put(b"a", "1".into()).await.unwrap();
        storage.inner.page_cache.record_miss();
        assert_eq!(storage.try_read(b"a", |_| ()).unwrap(), None);
        assert_eq!(storage.get(b"a").await.unwrap(), Some("1".into()));
    }
}
