//! Items on disk: one redb file, used alike by stores and by peers.
//!
//! Owns the file, the thread that alone writes to it, and what they cost ([`Storage::register`]).
//! A write is acknowledged only after a commit that is on disk: it survives `kill -9` and, as far
//! as the volume keeps its word, a loss of power. Writes that arrive while a commit is under way
//! share the next one.
//!
//! It never looks into values, knows nothing of protocols or versions, and never hides a disk
//! error: after one, [`Storage::failed`] resolves, and only opening the file anew mends it.

mod error;
mod layout;
mod metrics;
mod read;
mod writer;

pub use error::StorageError;
pub use layout::Position;

use bytes::Bytes;
use metrics::StorageMetrics;
use prometheus_client::registry::Registry;
use redb::{Database, Durability, ReadableDatabase};
use std::{fs::File, future::Future, path::Path, sync::Arc};
use tokio::sync::watch;
use writer::Writer;

/// The longest key, in bytes.
pub const MAX_KEY: usize = 1024;
/// The longest value, in bytes.
pub const MAX_VALUE: usize = 1024 * 1024;

/// The file in the data directory.
const FILE_NAME: &str = "items.redb";
/// What redb may keep of the file in memory, in bytes. The kernel's page cache is behind it.
const CACHE_BYTES: usize = 4 * 1024 * 1024;

/// What a conditional write does to its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    Keep,
    /// Stores this value.
    Put(Bytes),
    /// Removes the key, if it is there.
    Delete,
}

/// A cheap handle to the items of one directory. When the last one goes, the file is closed.
#[derive(Clone)]
pub struct Storage {
    inner: Arc<Inner>,
}

struct Inner {
    // Before the database, so that dropping waits for the last commit and then closes the file.
    writer: Writer,
    database: Arc<Database>,
    metrics: StorageMetrics,
    failure: watch::Sender<Option<StorageError>>,
}

impl Storage {
    /// Opens the items in `directory`, makes the file if there is none, and recovers it if it was
    /// not closed. Reads the whole file in that case: call it where blocking is allowed.
    ///
    /// # Errors
    /// [`StorageError::Open`] with the file's path: it cannot be made or read, is damaged, or is
    /// in use by another process.
    pub fn open(directory: &Path) -> Result<Self, StorageError> {
        let path = directory.join(FILE_NAME);
        let opened = |source: redb::Error| StorageError::Open {
            path: path.clone(),
            source: Arc::new(source),
        };
        let database = redb::Builder::new()
            .set_cache_size(CACHE_BYTES)
            .create(&path)
            .map_err(|source| opened(source.into()))?;
        make_table(&database).map_err(opened)?;
        let file = File::open(&path).map_err(|source| opened(redb::Error::Io(source)))?;
        // The file's name must survive a loss of power as its content does.
        File::open(directory)
            .and_then(|directory| directory.sync_all())
            .map_err(|source| opened(redb::Error::Io(source)))?;
        let database = Arc::new(database);
        let metrics = StorageMetrics::new();
        let failure = watch::Sender::default();
        let writer = Writer::start(&database, file, metrics.clone(), failure.clone())?;
        Ok(Self { inner: Arc::new(Inner { writer, database, metrics, failure }) })
    }

    /// Queues a conditional write and gives the future of its outcome; waits only while the queue
    /// is full. Writes happen in the order in which they were queued.
    ///
    /// `decide` gets the value that the key has when the write's turn comes and says what becomes
    /// of it, and whatever else the caller wants to know. It runs on the writing thread: it must
    /// be quick and must not panic. The outcome comes once the change, and all that `decide` saw,
    /// is on disk. Dropping the future does not take the write back.
    ///
    /// # Errors
    /// [`StorageError::TooLarge`] for a key above [`MAX_KEY`]; [`StorageError::Closed`]. The
    /// outcome is an error if the disk failed, or if a value is above [`MAX_VALUE`]; then nothing
    /// was acknowledged.
    pub async fn submit<R, F>(
        &self,
        key: &[u8],
        decide: F,
    ) -> Result<impl Future<Output = Result<R, StorageError>> + Send + use<R, F>, StorageError>
    where
        R: Send + 'static,
        F: FnOnce(Option<&[u8]>) -> (Change, R) + Send + 'static,
    {
        self.inner.writer.submit(layout::stored_key(key)?, decide).await
    }

    /// Like [`Storage::submit`], and waits for the outcome.
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

    /// Stores `value` under `key`, whatever was there.
    ///
    /// # Errors
    /// As [`Storage::submit`].
    pub async fn put(&self, key: &[u8], value: Bytes) -> Result<(), StorageError> {
        self.update(key, move |_| (Change::Put(value), ())).await
    }

    /// Removes `key`; true if it was there.
    ///
    /// # Errors
    /// As [`Storage::submit`].
    pub async fn delete(&self, key: &[u8]) -> Result<bool, StorageError> {
        self.update(key, |before| (Change::Delete, before.is_some())).await
    }

    /// Registers what storing costs: commits, their duration and how many writes shared one.
    pub fn register_metrics(&self, registry: &mut Registry) {
        self.inner.metrics.register_all(registry);
    }

    /// How many commits have been made since the file was opened.
    pub fn commit_count(&self) -> u64 {
        self.inner.metrics.commits()
    }

    /// How many items are on disk.
    pub fn item_count(&self) -> u64 {
        self.inner.metrics.items()
    }

    /// Tells how many items are on disk, without keeping the file open.
    pub fn item_counter(&self) -> impl Fn() -> u64 + Send + Sync + use<> {
        let metrics = self.inner.metrics.clone();
        move || metrics.items()
    }

    /// The size of the file on disk, in bytes.
    pub fn file_bytes(&self) -> u64 {
        self.inner.metrics.file_bytes()
    }

    /// Resolves once the disk has failed. From then on every request is refused; whoever holds the
    /// storage had better end and open it anew.
    pub async fn wait_for_failure(&self) -> StorageError {
        let mut failed = self.inner.failure.subscribe();
        let first = failed.wait_for(Option::is_some).await.ok().and_then(|error| error.clone());
        first.unwrap_or(StorageError::Closed)
    }
}

/// Makes the table in a new file, so that reads always find it.
fn make_table(database: &Database) -> Result<(), redb::Error> {
    if database.begin_read()?.open_table(layout::ITEMS).is_ok() {
        return Ok(());
    }
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    transaction.open_table(layout::ITEMS)?;
    Ok(transaction.commit()?)
}

#[cfg(test)]
mod tests;
