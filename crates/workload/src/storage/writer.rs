//! The single writer thread and its queue.

use super::{Change, MAX_VALUE, StorageError, layout, metrics::StorageMetrics};
use redb::{Database, Durability, ReadableDatabase, ReadableTable, ReadableTableMetadata, Table};
use std::{
    fs::File,
    future::Future,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Instant,
};
use tokio::sync::{mpsc, oneshot, watch};

/// The most queued writes; above it, [`Writer::submit`] waits.
const QUEUE_CAPACITY: usize = 1024;
/// The most writes of one commit.
const MAX_BATCH: usize = 1024;

type WriteTable<'txn> = Table<'txn, &'static [u8], &'static [u8]>;

/// Sends the outcome of a write to its caller, once the transaction has ended.
type Completion = Box<dyn FnOnce(Result<(), StorageError>) + Send>;

/// A queued write. Applies its change to the table within a transaction; returns whether the table
/// changed, and the completion.
type WriteJob =
    Box<dyn FnOnce(&mut WriteTable<'_>) -> (Result<bool, StorageError>, Completion) + Send>;

/// The handle of the writer thread.
pub(super) struct Writer {
    queue: Option<mpsc::Sender<WriteJob>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread. It publishes the first failure of the disk in `failure`.
    pub(super) fn start(
        database: &Arc<Database>,
        file: File,
        metrics: StorageMetrics,
        failure: watch::Sender<Option<StorageError>>,
    ) -> Result<Self, StorageError> {
        let (queue, jobs) = mpsc::channel(QUEUE_CAPACITY);
        let writer = WriterThread { database: Arc::clone(database), file, jobs, metrics, failure };
        let items = database.begin_read()?.open_table(layout::ITEMS)?.len()?;
        writer.record_size(items)?;
        let thread = thread::Builder::new()
            .name("storage".to_owned())
            .spawn(move || writer.run())
            .map_err(redb::Error::Io)?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Queues a write; see [`super::Storage::submit`].
    pub(super) async fn submit<R, F>(
        &self,
        key: Vec<u8>,
        decide: F,
    ) -> Result<impl Future<Output = Result<R, StorageError>> + Send + use<R, F>, StorageError>
    where
        R: Send + 'static,
        F: FnOnce(Option<&[u8]>) -> (Change, R) + Send + 'static,
    {
        let (sender, outcome) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or(StorageError::Closed)?;
        queue.send(write_job(key, decide, sender)).await.map_err(|_| StorageError::Closed)?;
        Ok(async { outcome.await.unwrap_or(Err(StorageError::Closed)) })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        let Some(thread) = self.thread.take() else { return };
        // The last handle may be dropped by a queued write, on the writer thread itself: a thread
        // cannot join itself.
        if thread.thread().id() != thread::current().id() {
            let ended = thread.join();
            if ended.is_err() {
                tracing::error!("the storage thread panicked");
            }
        }
    }
}

fn write_job<R, F>(
    key: Vec<u8>,
    decide: F,
    sender: oneshot::Sender<Result<R, StorageError>>,
) -> WriteJob
where
    R: Send + 'static,
    F: FnOnce(Option<&[u8]>) -> (Change, R) + Send + 'static,
{
    Box::new(move |items| {
        let (changed, outcome) = match apply_change(items, &key, decide) {
            Ok((changed, outcome)) => (Ok(changed), Ok(outcome)),
            Err(error) => (Err(error.clone()), Err(error)),
        };
        let completion: Completion = Box::new(move |committed| {
            // An error means that the caller dropped the future: the outcome is not needed.
            let _ = sender.send(committed.and(outcome));
        });
        (changed, completion)
    })
}

fn apply_change<R>(
    items: &mut WriteTable<'_>,
    key: &[u8],
    decide: impl FnOnce(Option<&[u8]>) -> (Change, R),
) -> Result<(bool, R), StorageError> {
    let before = items.get(key)?;
    let existed = before.is_some();
    let (change, outcome) = decide(before.as_ref().map(|value| value.value()));
    drop(before);
    let changed = match change {
        Change::Keep => false,
        Change::Put(value) if value.len() > MAX_VALUE => {
            return Err(StorageError::TooLarge { bytes: value.len() });
        }
        Change::Put(value) => {
            items.insert(key, &*value)?;
            true
        }
        Change::Delete if existed => {
            items.remove(key)?;
            true
        }
        Change::Delete => false,
    };
    Ok((changed, outcome))
}

/// The state of the writer thread.
struct WriterThread {
    database: Arc<Database>,
    file: File,
    jobs: mpsc::Receiver<WriteJob>,
    metrics: StorageMetrics,
    failure: watch::Sender<Option<StorageError>>,
}

impl WriterThread {
    /// Commits batches until the queue's sender is dropped.
    fn run(mut self) {
        let mut batch = Vec::with_capacity(MAX_BATCH);
        while self.jobs.blocking_recv_many(&mut batch, MAX_BATCH) > 0 {
            let mut completions = Vec::with_capacity(batch.len());
            let committed = self.commit_batch(&mut batch, &mut completions);
            if let Err(error) = &committed {
                tracing::error!(%error, "a commit failed");
                error.report_first(&self.failure);
            }
            for complete in completions {
                complete(committed.clone());
            }
        }
    }

    /// Runs the batch in one transaction and collects the completions of the jobs that ran. After a
    /// fatal error the other jobs are dropped, so their callers receive [`StorageError::Closed`].
    fn commit_batch(
        &self,
        batch: &mut Vec<WriteJob>,
        completions: &mut Vec<Completion>,
    ) -> Result<(), StorageError> {
        let start = Instant::now();
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(Durability::Immediate)?;
        let mut items = transaction.open_table(layout::ITEMS)?;
        let mut changes = 0;
        for job in batch.drain(..) {
            let (changed, completion) = job(&mut items);
            completions.push(completion);
            match changed {
                Ok(changed) => changes += u32::from(changed),
                Err(error) if error.is_fatal() => return Err(error),
                // This write alone is refused; its completion carries the error.
                Err(_) => {}
            }
        }
        let count = items.len()?;
        drop(items);
        if changes == 0 {
            return Ok(transaction.abort()?);
        }
        transaction.commit()?;
        self.metrics.record_commit(changes, start.elapsed());
        self.record_size(count)
    }

    fn record_size(&self, items: u64) -> Result<(), StorageError> {
        let file = self.file.metadata().map_err(redb::Error::Io)?;
        self.metrics.record_size(items, file.len());
        Ok(())
    }
}
