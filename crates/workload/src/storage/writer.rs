//! The one thread that writes, and its queue.

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

/// Writes that may wait for their commit; who comes later waits to be queued.
const QUEUE_CAPACITY: usize = 1024;
/// Writes that share a commit at most.
const MAX_BATCH: usize = 1024;

type WriteTable<'txn> = Table<'txn, &'static [u8], &'static [u8]>;

/// Tells whoever waits for a write how it ended.
type Completion = Box<dyn FnOnce(Result<(), StorageError>) + Send>;

/// A queued write: changes the table within a transaction and says whether it did, and gives the
/// answer to give once the transaction has ended.
type WriteJob =
    Box<dyn FnOnce(&mut WriteTable<'_>) -> (Result<bool, StorageError>, Completion) + Send>;

/// The way to the writing thread.
pub(super) struct Writer {
    queue: Option<mpsc::Sender<WriteJob>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread. `failure` is told the first failure of the disk.
    pub(super) fn start(
        database: &Arc<Database>,
        file: File,
        metrics: StorageMetrics,
        failure: watch::Sender<Option<StorageError>>,
    ) -> Result<Self, StorageError> {
        let (queue, jobs) = mpsc::channel(QUEUE_CAPACITY);
        let writing = WriterThread { database: Arc::clone(database), file, jobs, metrics, failure };
        let items = database.begin_read()?.open_table(layout::ITEMS)?.len()?;
        writing.record_size(items)?;
        let thread = thread::Builder::new().name("storage".to_owned());
        let thread = thread.spawn(move || writing.run()).map_err(redb::Error::Io)?;
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
        let (answered, answer) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or(StorageError::Closed)?;
        queue.send(write_job(key, decide, answered)).await.map_err(|_| StorageError::Closed)?;
        Ok(async { answer.await.unwrap_or(Err(StorageError::Closed)) })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        let Some(thread) = self.thread.take() else { return };
        // A queued write may hold the last handle; the thread cannot wait for itself.
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
    answered: oneshot::Sender<Result<R, StorageError>>,
) -> WriteJob
where
    R: Send + 'static,
    F: FnOnce(Option<&[u8]>) -> (Change, R) + Send + 'static,
{
    Box::new(move |items| {
        let outcome = apply_change(items, &key, decide);
        let (changed, outcome) = match outcome {
            Ok((changed, outcome)) => (Ok(changed), Ok(outcome)),
            Err(error) => (Err(error.clone()), Err(error)),
        };
        let answer: Completion = Box::new(move |ended| {
            // Nobody may be waiting any more, which is their choice.
            let _unheard = answered.send(ended.and(outcome));
        });
        (changed, answer)
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

/// What the thread works with.
struct WriterThread {
    database: Arc<Database>,
    file: File,
    jobs: mpsc::Receiver<WriteJob>,
    metrics: StorageMetrics,
    failure: watch::Sender<Option<StorageError>>,
}

impl WriterThread {
    /// Writes until all handles are gone.
    fn run(mut self) {
        let mut batch = Vec::with_capacity(MAX_BATCH);
        while self.jobs.blocking_recv_many(&mut batch, MAX_BATCH) > 0 {
            let mut answers = Vec::with_capacity(batch.len());
            let ended = self.commit_batch(&mut batch, &mut answers);
            if let Err(error) = &ended {
                tracing::error!(%error, "a commit failed");
                error.report_first(&self.failure);
            }
            for answer in answers {
                answer(ended.clone());
            }
        }
    }

    /// Runs the batch in one transaction. Every job that was begun leaves its answer; those that
    /// were not are dropped, which their waiters see.
    fn commit_batch(
        &self,
        batch: &mut Vec<WriteJob>,
        answers: &mut Vec<Completion>,
    ) -> Result<(), StorageError> {
        let begun = Instant::now();
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(Durability::Immediate)?;
        let mut items = transaction.open_table(layout::ITEMS)?;
        let mut changes = 0;
        for job in batch.drain(..) {
            let (changed, answer) = job(&mut items);
            answers.push(answer);
            match changed {
                Ok(changed) => changes += u32::from(changed),
                Err(error) if error.is_fatal() => return Err(error),
                // This one is refused; the others are not concerned.
                Err(_) => {}
            }
        }
        let count = items.len()?;
        drop(items);
        if changes == 0 {
            return Ok(transaction.abort()?);
        }
        transaction.commit()?;
        self.metrics.record_commit(changes, begun.elapsed());
        self.record_size(count)
    }

    fn record_size(&self, items: u64) -> Result<(), StorageError> {
        let file = self.file.metadata().map_err(redb::Error::Io)?;
        self.metrics.record_size(items, file.len());
        Ok(())
    }
}
