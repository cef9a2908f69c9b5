//! Items on disk: one redb file, for stores and for peers.
//!
//! Owns the file, the single thread that writes to it, and their metrics
//! ([`Storage::register_metrics`]). A write is acknowledged only after its commit is on disk: it
//! survives `kill -9` and, if the volume honours `fsync`, a loss of power. Writes that arrive
//! during a commit share the next one (group commit).
//!
//! Never interprets values or versions, speaks no protocol, and never hides a disk error: after
//! one, [`Storage::wait_for_failure`] resolves and all requests fail until the file is opened
//! again.

mod error;
mod expiry;
mod file;
mod generations;
mod layout;
mod metrics;
mod predecessor;
mod read;
mod snapshot;
mod sweep;
mod transaction;
mod volume;
mod writer;

pub use error::StorageError;
pub use expiry::{Expiry, now_millis};
pub use generations::Generation;
pub use layout::Position;
pub use predecessor::PREDECESSOR_TIMEOUT;
pub use read::PAGE_BYTES;
pub use sweep::SweepStep;
pub use transaction::{Change, ItemsMut};
pub use volume::reserve::{is_full, release_reserve};

use bytes::Bytes;
use file::{ItemFile, PageCache};
use generations::Generations;
use maquette_contract::VolumeObservation;
use metrics::StorageMetrics;
use prometheus_client::registry::Registry;
use redb::{Database, Durability, ReadableDatabase};
use snapshot::SharedSnapshot;
use std::{
    fs::File,
    future::Future,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;
use volume::{
    reserve::Reserve,
    room::{self, Room},
};
use writer::{Writer, WriterThread};

/// The longest key, in bytes.
pub const MAX_KEY: usize = 1024;
/// The longest value, in bytes.
pub const MAX_VALUE: usize = 1024 * 1024;

/// The name of the file in the data directory.
const FILE_NAME: &str = "items.redb";
/// The size of redb's own cache, in bytes. The kernel's page cache holds the rest.
const CACHE_BYTES: usize = 4 * 1024 * 1024;

/// A handle to the items of one directory; clones share it. Dropping the last one closes the file.
#[derive(Clone)]
pub struct Storage {
    inner: Arc<Inner>,
}

struct Inner {
    // Declared before `database`: fields drop in order, so the last commit ends before the file
    // is closed.
    writer: Writer,
    snapshot: Arc<SharedSnapshot>,
    page_cache: PageCache,
    generations: Generations,
    database: Arc<Database>,
    metrics: StorageMetrics,
    failure: watch::Sender<Option<StorageError>>,
}

impl Storage {
    /// Opens the file in `directory`; creates it if it is missing. Blocks: after an unclean stop it
    /// reads the whole file to recover it.
    ///
    /// # Errors
    /// [`StorageError::Open`] if the file cannot be created or read, is damaged, or is in use by
    /// another process.
    pub fn open(directory: &Path) -> Result<Self, StorageError> {
        let path = directory.join(FILE_NAME);
        let page_cache = PageCache::default();
        let (database, file, reserve) = open_file(directory, &path, page_cache.clone())
            .map_err(|source| StorageError::Open { path, source: Arc::new(source) })?;
        let database = Arc::new(database);
        let snapshot = Arc::<SharedSnapshot>::default();
        let metrics = StorageMetrics::new();
        let failure = watch::Sender::default();
        let generations = Generations::default();
        let probe = file.try_clone().map_err(redb::Error::Io)?;
        let room = Room::new(probe, reserve, metrics.clone());
        let thread = WriterThread::new(
            &database,
            &snapshot,
            &generations,
            (file, room),
            &metrics,
            &failure,
        )?;
        let writer = Writer::start(thread)?;
        let inner = Inner { writer, snapshot, page_cache, generations, database, metrics, failure };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Queues writes that share a commit, and returns the future of their outcome; waits only while
    /// the queue is full. Writes are applied in the order in which they were queued.
    ///
    /// `apply` writes items and returns a result for the caller. It runs on the writer thread: it
    /// must be quick and must not panic. The outcome resolves once the changes, and every write that
    /// `apply` saw, are on disk. Dropping the future does not cancel the writes.
    ///
    /// # Errors
    /// [`StorageError::Closed`]. The outcome is an error if the disk fails, or if `apply` returns
    /// one; then nothing is acknowledged.
    pub async fn submit_batch<R, F>(
        &self,
        apply: F,
    ) -> Result<impl Future<Output = Result<R, StorageError>> + Send + use<R, F>, StorageError>
    where
        R: Send + 'static,
        F: FnOnce(&mut ItemsMut<'_>) -> Result<R, StorageError> + Send + 'static,
    {
        self.inner.writer.submit(apply).await
    }

    /// Queues a conditional write of one item: [`Storage::submit_batch`] of [`ItemsMut::update`].
    ///
    /// # Errors
    /// As [`Storage::submit_batch`]; [`StorageError::TooLarge`] for a key above [`MAX_KEY`]. The
    /// outcome is an error also if the value is above [`MAX_VALUE`].
    pub async fn submit<R, F>(
        &self,
        key: &[u8],
        decide: F,
    ) -> Result<impl Future<Output = Result<R, StorageError>> + Send + use<R, F>, StorageError>
    where
        R: Send + 'static,
        F: FnOnce(Option<&[u8]>) -> (Change, R) + Send + 'static,
    {
        let stored = layout::stored_key(key)?;
        self.submit_batch(move |items| items.update_stored(&stored, decide)).await
    }

    /// [`Storage::submit`], and waits for the outcome.
    ///
    /// # Errors
    /// As [`Storage::submit`].
    pub async fn update<R, F>(&self, key: &[u8], decide: F) -> Result<R, StorageError>
    where
        R: Send + 'static,
        F: FnOnce(Option<&[u8]>) -> (Change, R) + Send + 'static,
    {
        self.submit(key, decide).await?.await
    }

    /// Stores `value` under `key` unconditionally.
    ///
    /// # Errors
    /// As [`Storage::submit`].
    pub async fn put(&self, key: &[u8], value: Bytes) -> Result<(), StorageError> {
        self.update(key, move |_| (Change::Put(value), ())).await
    }

    /// Removes `key`; true if it existed.
    ///
    /// # Errors
    /// As [`Storage::submit`].
    pub async fn delete(&self, key: &[u8]) -> Result<bool, StorageError> {
        self.update(key, |before| (Change::Delete, before.is_some())).await
    }

    /// The number of changes of `key` so far. A read after this call sees every change that is counted:
    /// if [`ItemsMut::is_current`] holds later, no write came between.
    pub fn generation(&self, key: &[u8]) -> Generation {
        self.inner.generations.current(key)
    }

    /// Registers the metrics: commits, their duration and batch size, items, size of the file.
    pub fn register_metrics(&self, registry: &mut Registry) {
        self.inner.metrics.register_all(registry);
    }

    /// The number of commits since the file was opened.
    pub fn commit_count(&self) -> u64 {
        self.inner.metrics.commit_count()
    }

    /// The number of items that expire.
    pub fn expiring_count(&self) -> u64 {
        self.inner.metrics.expiring_count()
    }

    /// The number of items on disk.
    pub fn item_count(&self) -> u64 {
        self.inner.metrics.item_count()
    }

    /// A function that returns the number of items on disk. It does not keep the file open.
    pub fn item_counter(&self) -> impl Fn() -> u64 + Send + Sync + use<> {
        let metrics = self.inner.metrics.clone();
        move || metrics.item_count()
    }

    /// The state of the volume, as the writer thread saw it last.
    pub fn volume(&self) -> VolumeObservation {
        self.inner.metrics.volume()
    }

    /// A function that returns [`Storage::volume`]. It does not keep the file open.
    pub fn volume_observer(&self) -> impl Fn() -> VolumeObservation + Send + Sync + use<> {
        let metrics = self.inner.metrics.clone();
        move || metrics.volume()
    }

    /// The size of the file on disk, in bytes.
    pub fn file_bytes(&self) -> u64 {
        self.inner.metrics.file_bytes()
    }

    /// Resolves once the disk has failed. From then on every request fails; the process has to end
    /// so that a restart opens the file again.
    pub async fn wait_for_failure(&self) -> StorageError {
        let mut failed = self.inner.failure.subscribe();
        let first = failed.wait_for(Option::is_some).await.ok().and_then(|error| error.clone());
        first.unwrap_or(StorageError::Closed)
    }
}

fn open_file(
    directory: &Path,
    path: &Path,
    page_cache: PageCache,
) -> Result<(Database, File, Arc<Reserve>), redb::Error> {
    let reserve = room::open_reserve(directory).map_err(redb::Error::Io)?;
    let file = File::options().read(true).write(true).create(true).truncate(false).open(path);
    let items = ItemFile::new(file.map_err(redb::Error::Io)?, page_cache, Arc::clone(&reserve))?;
    let database = redb::Builder::new().set_cache_size(CACHE_BYTES).create_with_backend(items)?;
    make_tables(&database)?;
    let file = File::open(path).map_err(redb::Error::Io)?;
    // The directory entry must survive a loss of power, as the content does.
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(redb::Error::Io)?;
    Ok((database, file, reserve))
}

/// Creates the tables that the file lacks, so that reads always find them.
fn make_tables(database: &Database) -> Result<(), redb::Error> {
    let transaction = database.begin_read()?;
    if transaction.open_table(layout::ITEMS).is_ok()
        && transaction.open_table(expiry::EXPIRIES).is_ok()
    {
        return Ok(());
    }
    drop(transaction);
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    transaction.open_table(layout::ITEMS)?;
    transaction.open_table(expiry::EXPIRIES)?;
    Ok(transaction.commit()?)
}

/// Locks a mutex, also after a panic with the lock: the values are consistent after every statement.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
