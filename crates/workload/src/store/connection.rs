//! One client connection: executes its requests and replies in their order.

use super::{
    bounds::admission::ClientSlot,
    bounds::limits::SMALL_BUFFER,
    command::{self, Command, ServerInfo, TransactionCommand, WriteCommand},
    reply_writer::ReplyWriter,
    request_reader::RequestReader,
    resp::{Reply, Request},
    session::Session,
};
use crate::storage::{Storage, StorageError};
use maquette_contract::keys::ERROR_MISDIRECTED;
use std::{io, mem, ops::ControlFlow, time::Duration};
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

/// The most writes of one batch.
const MAX_PENDING_WRITES: usize = 256;
/// After a protocol error, input is read and discarded for at most this time.
const LINGER_TIMEOUT: Duration = Duration::from_secs(1);
/// Redis' error for a connection above the limit.
pub(super) const TOO_MANY_CLIENTS: &str = "ERR max number of clients reached";

/// A connection with its buffers and pending writes.
pub(super) struct ClientConnection {
    pub(super) storage: Storage,
    pub(super) info: ServerInfo,
    pub(super) requests: RequestReader,
    pub(super) replies: ReplyWriter,
    pub(super) session: Session,
    pub(super) slot: ClientSlot,
    pub(super) writes: PendingWrites,
}

/// Writes that are committed together before anything else is executed.
#[derive(Default)]
pub(super) struct PendingWrites {
    /// Each with its start.
    writes: Vec<(Instant, WriteCommand)>,
    /// The memory that they hold.
    bytes: usize,
}

/// What follows after the complete requests in the buffer are executed.
enum AfterRequests {
    /// The connection continues once more bytes arrive.
    ReadMore,
    /// The client requested to close the connection.
    Close,
    /// The connection ends without a reply: its bytes are those of another protocol.
    Drop,
    /// The start of the next request cannot be determined, or the connection is meant for another:
    /// the text of the error.
    Fail(String),
}

impl ClientConnection {
    /// Serves until the client disconnects, breaks the protocol, or the server stops. Every
    /// complete request before that is answered.
    ///
    /// # Errors
    /// If reading from or writing to the connection fails.
    pub(super) async fn serve(mut self, mut stop: watch::Receiver<bool>) -> io::Result<()> {
        loop {
            let next = self.execute_received().await?;
            self.complete_writes().await?;
            self.replies.flush().await?;
            match next {
                AfterRequests::ReadMore => {}
                AfterRequests::Close | AfterRequests::Drop => return Ok(()),
                AfterRequests::Fail(error) => return self.end_with_error(error).await,
            }
            let since = self.requests.request_started().unwrap_or_else(Instant::now);
            let read = tokio::select! {
                read = self.requests.read_more(self.replies.places()) => read,
                () = self.slot.wait_until_overdue(since) => return Ok(()),
                // Also resolves if the server is dropped.
                _ = stop.wait_for(|stop| *stop) => return Ok(()),
            };
            match read {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    let error = "ERR Protocol error: the request took too long";
                    return self.end_with_error(error.to_owned()).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Executes the complete requests in the buffer.
    async fn execute_received(&mut self) -> io::Result<AfterRequests> {
        loop {
            match self.requests.next_request() {
                Ok(Some(request)) => {
                    if let ControlFlow::Break(after) = self.execute_request(request).await? {
                        return Ok(after);
                    }
                }
                Ok(None) => return Ok(AfterRequests::ReadMore),
                Err(error) => return Ok(AfterRequests::Fail(format!("ERR {error}"))),
            }
        }
    }

    /// Executes one request; breaks if the connection ends after it.
    async fn execute_request(
        &mut self,
        request: Request,
    ) -> io::Result<ControlFlow<AfterRequests>> {
        let start = Instant::now();
        let (name, command) = command::parse(request);
        self.info.metrics.count_command(name);
        let command = match command {
            // Only writes wait for the next request.
            Ok(Command::Write(write))
                if !self.session.transaction.is_open() && !self.slot.must_name_recipient() =>
            {
                self.queue_write(start, write).await?;
                self.replies.flush_if_full().await?;
                return Ok(ControlFlow::Continue(()));
            }
            command => command,
        };
        self.complete_writes().await?;
        match command {
            Ok(Command::Recipient(named)) => {
                if let Err(error) = (self.info.recipient_check)(&named) {
                    let text = format!("{ERROR_MISDIRECTED} {error}");
                    return Ok(ControlFlow::Break(AfterRequests::Fail(text)));
                }
                self.slot.mark_known();
                self.push_reply(&Reply::OK);
            }
            _ if self.slot.must_name_recipient() => {
                let text = TOO_MANY_CLIENTS.to_owned();
                return Ok(ControlFlow::Break(AfterRequests::Fail(text)));
            }
            Ok(Command::Quit) => {
                self.push_reply(&Reply::OK);
                return Ok(ControlFlow::Break(AfterRequests::Close));
            }
            Ok(Command::CrossProtocol) => {
                tracing::warn!(
                    from = %self.session.from(),
                    "POST or Host: commands: an HTTP client is connected to the store, perhaps by a \
                     page in a browser; the connection is closed"
                );
                return Ok(ControlFlow::Break(AfterRequests::Drop));
            }
            Ok(command) => self.execute_command(start, command).await?,
            Err(error) => {
                self.session.transaction.refuse();
                self.push_reply(&error.into());
            }
        }
        self.replies.flush_if_full().await?;
        Ok(ControlFlow::Continue(()))
    }

    /// Executes a command after which the connection stays open, or queues it in a transaction.
    async fn execute_command(&mut self, start: Instant, command: Command) -> io::Result<()> {
        let reply = match command {
            Command::Transaction(command) => self.execute_transaction(command).await?,
            command if self.session.transaction.is_open() => {
                self.session.transaction.queue(command).unwrap_or_else(Reply::from)
            }
            Command::Read(read) => {
                let reply = read.run(&self.storage, &self.info, &mut self.replies).await?;
                self.record_request(start, reply.as_ref());
                let Some(reply) = reply else { return Ok(()) };
                reply
            }
            Command::Session(command) => {
                let reply = self.session.run(command);
                self.replies.set_protocol(self.session.protocol());
                reply
            }
            Command::Write(_) | Command::Recipient(_) | Command::Quit | Command::CrossProtocol => {
                return Ok(());
            }
        };
        self.push_reply(&reply);
        Ok(())
    }

    async fn execute_transaction(&mut self, command: TransactionCommand) -> io::Result<Reply> {
        let transaction = &mut self.session.transaction;
        let outcome = match command {
            TransactionCommand::Begin => transaction.begin(),
            TransactionCommand::Discard => transaction.discard(),
            TransactionCommand::Watch(keys) => transaction.watch(&keys, &self.storage),
            TransactionCommand::Unwatch => Ok(transaction.unwatch()),
            TransactionCommand::Execute => match transaction.take() {
                Err(error) => Err(error),
                Ok(execution) => {
                    if execution.replies_with_value() {
                        self.replies.acquire_reply_place().await?;
                    }
                    Ok(execution.run(&self.storage).await.unwrap_or_else(Reply::from))
                }
            },
        };
        Ok(outcome.unwrap_or_else(Reply::from))
    }

    /// Collects a write. Writes that follow directly are in the same batch; their replies are sent
    /// together.
    async fn queue_write(&mut self, start: Instant, write: WriteCommand) -> io::Result<()> {
        let write = match write {
            WriteCommand::Delete(delete) if delete.is_long() => {
                self.complete_writes().await?;
                let reply = delete.run_in_pages(&self.storage).await;
                self.record_request(start, Some(&reply));
                self.push_reply(&reply);
                return Ok(());
            }
            write => write,
        };
        let bytes = write.memory_bytes();
        // A reply with a value can be large, so it is not kept waiting with others.
        let replies_with_value = write.replies_with_value();
        if replies_with_value {
            self.complete_writes().await?;
            self.replies.acquire_reply_place().await?;
        }
        self.writes.writes.push((start, write));
        self.writes.bytes += bytes;
        if replies_with_value
            || self.writes.writes.len() >= MAX_PENDING_WRITES
            || self.writes.bytes > SMALL_BUFFER
        {
            self.complete_writes().await?;
        }
        Ok(())
    }

    /// Commits the pending writes as one batch and appends their replies.
    async fn complete_writes(&mut self) -> io::Result<()> {
        let PendingWrites { writes, .. } = mem::take(&mut self.writes);
        if writes.is_empty() {
            return Ok(());
        }
        let starts: Vec<Instant> = writes.iter().map(|(start, _)| *start).collect();
        match self.commit_batch(writes).await {
            Ok(replies) => {
                for (start, reply) in starts.into_iter().zip(replies) {
                    self.record_request(start, Some(&reply));
                    self.push_reply(&reply);
                }
            }
            Err(error) => {
                let reply = Reply::from(error);
                for start in starts {
                    self.record_request(start, Some(&reply));
                    self.push_reply(&reply);
                }
            }
        }
        self.replies.flush_if_full().await
    }

    /// Applies the writes in their order, in one commit; returns their replies once it is on disk.
    async fn commit_batch(
        &self,
        writes: Vec<(Instant, WriteCommand)>,
    ) -> Result<Vec<Reply>, StorageError> {
        let batch = self.storage.submit_batch(move |items| {
            writes.into_iter().map(|(_, write)| write.apply(items)).collect()
        });
        batch.await?.await
    }

    fn record_request(&self, start: Instant, reply: Option<&Reply>) {
        // A parsed command fails only because of the disk, not because of the client.
        let failed = matches!(reply, Some(Reply::Error(_)));
        (self.info.observer)(start.elapsed(), failed);
    }

    fn push_reply(&mut self, reply: &Reply) {
        if matches!(reply, Reply::Error(_)) {
            self.info.metrics.errors.inc();
        }
        self.replies.push(reply);
    }

    /// Sends an error and closes the connection. Discards what the client still sends for up to
    /// [`LINGER_TIMEOUT`]: unread input would make the kernel reset the connection, and the client
    /// might not receive the error.
    async fn end_with_error(&mut self, error: String) -> io::Result<()> {
        self.info.metrics.broken.inc();
        self.push_reply(&Reply::Error(error));
        self.replies.finish().await?;
        timeout(LINGER_TIMEOUT, self.requests.drain()).await?
    }
}
