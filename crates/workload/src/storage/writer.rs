//! The single writer thread and its queue.

use super::{
    StorageError, expiry::EXPIRIES, generations::Generations, layout, metrics::StorageMetrics,
    snapshot::SharedSnapshot, volume::room::Room,
};
use crate::storage::ItemsMut;
use redb::{Database, Durability, ReadableDatabase, ReadableTableMetadata};
use std::{
    fs::File,
    future::Future,
    mem,
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, oneshot, watch};

/// The most queued jobs; above it, [`Writer::submit`] waits.
const QUEUE_CAPACITY: usize = 1024;
/// The most jobs of one commit.
const MAX_BATCH: usize = 1024;
/// A commit waits for further jobs for this part of the duration of the previous one.
const GATHER_DIVISOR: u32 = 8;
/// The longest wait for further jobs, and the pause between two looks at the queue.
const MAX_GATHER: Duration = Duration::from_millis(1);
const GATHER_PAUSE: Duration = Duration::from_micros(50);

/// A queued job of one caller: its writes, and the sender of their outcome.
trait WriteJob: Send {
    /// Applies the writes within the transaction.
    fn apply(&mut self, items: &mut ItemsMut<'_>) -> Result<(), StorageError>;

    /// Sends the outcome, once the transaction has ended.
    fn complete(self: Box<Self>, committed: Result<(), StorageError>);
}

struct Job<F, R> {
    apply: Option<F>,
    outcome: Option<R>,
    sender: oneshot::Sender<Result<R, StorageError>>,
}

impl<F, R> WriteJob for Job<F, R>
where
    R: Send + 'static,
    F: FnOnce(&mut ItemsMut<'_>) -> Result<R, StorageError> + Send + 'static,
{
    fn apply(&mut self, items: &mut ItemsMut<'_>) -> Result<(), StorageError> {
        if let Some(apply) = self.apply.take() {
            self.outcome = Some(apply(items)?);
        }
        Ok(())
    }

    fn complete(self: Box<Self>, committed: Result<(), StorageError>) {
        let Self { outcome, sender, .. } = *self;
        // An error means that the caller dropped the future: the outcome is not needed.
        let _ = sender.send(committed.and_then(|()| outcome.ok_or(StorageError::Closed)));
    }
}

/// A job with what became of its writes.
type AppliedJob = (Box<dyn WriteJob>, Result<(), StorageError>);

/// The handle of the writer thread.
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Box<dyn WriteJob>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(writer: WriterThread) -> Result<Self, StorageError> {
        let (queue, jobs) = mpsc::channel(QUEUE_CAPACITY);
        let thread = thread::Builder::new()
            .name("storage".to_owned())
            .spawn(move || writer.run(jobs))
            .map_err(redb::Error::Io)?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Queues a job; see [`super::Storage::submit_batch`].
    pub(super) async fn submit<R, F>(
        &self,
        apply: F,
    ) -> Result<impl Future<Output = Result<R, StorageError>> + Send + use<R, F>, StorageError>
    where
        R: Send + 'static,
        F: FnOnce(&mut ItemsMut<'_>) -> Result<R, StorageError> + Send + 'static,
    {
        let (sender, outcome) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or(StorageError::Closed)?;
        let job = Box::new(Job { apply: Some(apply), outcome: None, sender });
        queue.send(job).await.map_err(|_| StorageError::Closed)?;
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

/// The state of the writer thread.
pub(super) struct WriterThread {
    database: Arc<Database>,
    snapshot: Arc<SharedSnapshot>,
    generations: Generations,
    file: File,
    room: Room,
    metrics: StorageMetrics,
    failure: watch::Sender<Option<StorageError>>,
}

impl WriterThread {
    /// A writer that publishes the first failure of the disk in `failure`.
    pub(super) fn new(
        database: &Arc<Database>,
        snapshot: &Arc<SharedSnapshot>,
        generations: &Generations,
        (file, room): (File, Room),
        metrics: &StorageMetrics,
        failure: &watch::Sender<Option<StorageError>>,
    ) -> Result<Self, StorageError> {
        let writer = Self {
            database: Arc::clone(database),
            snapshot: Arc::clone(snapshot),
            generations: generations.clone(),
            file,
            room,
            metrics: metrics.clone(),
            failure: failure.clone(),
        };
        let transaction = database.begin_read()?;
        let items = transaction.open_table(layout::ITEMS)?.len()?;
        let expiring = transaction.open_table(EXPIRIES)?.len()?;
        writer.record_size(items, expiring)?;
        Ok(writer)
    }

    /// Commits batches until the queue's sender is dropped.
    fn run(mut self, mut jobs: mpsc::Receiver<Box<dyn WriteJob>>) {
        let mut batch = Vec::new();
        let mut expected = 1;
        let mut last_commit = Duration::ZERO;
        while !batch.is_empty() || jobs.blocking_recv_many(&mut batch, MAX_BATCH) > 0 {
            gather_jobs(&mut jobs, &mut batch, expected, last_commit);
            let start = Instant::now();
            let mut applied = Vec::with_capacity(batch.len());
            let committed = self.commit_batch(&mut batch, &mut applied);
            if let Err(error) = &committed {
                tracing::error!(%error, "a commit failed");
                error.report_first(&self.failure);
            }
            last_commit = start.elapsed();
            // The callers that wait now: those of this commit are likely to write again at once.
            expected = applied.len() + jobs.len();
            for (job, outcome) in applied {
                job.complete(committed.clone().and(outcome));
            }
        }
    }

    /// Applies the batch in one transaction, and collects its jobs with what became of each. After a
    /// fatal error the other jobs are dropped, so their callers receive [`StorageError::Closed`].
    fn commit_batch(
        &mut self,
        batch: &mut Vec<Box<dyn WriteJob>>,
        applied: &mut Vec<AppliedJob>,
    ) -> Result<(), StorageError> {
        let start = Instant::now();
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(Durability::Immediate)?;
        let expiring = self.metrics.expiring_count();
        let allowance = self.room.allowance();
        let generations = self.generations.clone();
        let mut items = ItemsMut::open(&transaction, expiring, allowance, generations)?;
        let mut jobs = mem::take(batch).into_iter();
        for mut job in jobs.by_ref() {
            let outcome = job.apply(&mut items);
            let fatal = outcome.clone().err().filter(StorageError::is_fatal);
            applied.push((job, outcome));
            if let Some(error) = fatal {
                return Err(error);
            }
            let effects = items.effects();
            if effects.written + effects.added > self.room.commit_limit() {
                break;
            }
        }
        // The next commit has the others.
        batch.extend(jobs);
        let effects = items.effects();
        self.room.record_refusals(effects.refused);
        let (count, expiring) = items.count()?;
        let changed = items.into_changed();
        if changed.is_empty() {
            return Ok(transaction.abort()?);
        }
        transaction.commit()?;
        self.snapshot.replace();
        changed.iter().for_each(|position| self.generations.count_change(*position));
        let changes = u32::try_from(changed.len()).unwrap_or(u32::MAX);
        self.metrics.record_commit(changes, start.elapsed());
        self.room.record_commit(effects.added, effects.freed);
        self.record_size(count, expiring)
    }

    fn record_size(&self, items: u64, expiring: u64) -> Result<(), StorageError> {
        let file = self.file.metadata().map_err(redb::Error::Io)?;
        self.metrics.record_size(items, expiring, file.len());
        Ok(())
    }
}

/// Waits until `expected` callers have queued a job, for at most a part of the last commit's
/// duration. Callers that write again and again otherwise end up in two halves that wait for each
/// other's commits.
fn gather_jobs(
    jobs: &mut mpsc::Receiver<Box<dyn WriteJob>>,
    batch: &mut Vec<Box<dyn WriteJob>>,
    expected: usize,
    last_commit: Duration,
) {
    let wait = (last_commit / GATHER_DIVISOR).min(MAX_GATHER);
    let latest = Instant::now() + wait;
    while batch.len() < expected.min(MAX_BATCH) && Instant::now() + GATHER_PAUSE < latest {
        thread::sleep(GATHER_PAUSE);
        while batch.len() < MAX_BATCH
            && let Ok(job) = jobs.try_recv()
        {
            batch.push(job);
        }
    }
}
