//! One client connection: executes its requests and replies in their order.

use super::{
    command::{self, Command, ServerInfo, WriteCommand},
    limits::SMALL_BUFFER,
    reply_writer::ReplyWriter,
    resp::{Reply, Request, RequestParser},
};
use crate::storage::{Storage, StorageError};
use bytes::BytesMut;
use maquette_contract::keys::ERROR_MISDIRECTED;
use std::{io, mem, ops::ControlFlow, time::Duration};
use tokio::{
    io::AsyncReadExt,
    net::tcp::OwnedReadHalf,
    sync::watch,
    time::{Instant, timeout, timeout_at},
};

/// The most writes of one batch.
const MAX_PENDING_WRITES: usize = 256;
/// After a protocol error, input is read and discarded for at most this time.
const LINGER_TIMEOUT: Duration = Duration::from_secs(1);

/// A connection with its buffers and pending writes.
pub(super) struct ClientConnection {
    storage: Storage,
    info: ServerInfo,
    stream: OwnedReadHalf,
    input: BytesMut,
    parser: RequestParser,
    /// The arrival of the first byte of the incomplete request, if there is one.
    request_started: Option<Instant>,
    /// Writes that are committed together before anything else is executed, with the start of each,
    /// and the bytes that they hold.
    pending: Vec<(Instant, WriteCommand)>,
    pending_bytes: usize,
    replies: ReplyWriter,
}

/// What follows after the complete requests in the buffer are executed.
enum AfterRequests {
    /// The connection continues once more bytes arrive.
    ReadMore,
    /// The client requested to close the connection.
    Close,
    /// The start of the next request cannot be determined, or the connection is meant for another:
    /// the text of the error.
    Fail(String),
}

impl ClientConnection {
    pub(super) fn new(
        storage: Storage,
        info: ServerInfo,
        stream: OwnedReadHalf,
        replies: ReplyWriter,
    ) -> Self {
        Self {
            storage,
            info,
            stream,
            input: BytesMut::new(),
            parser: RequestParser::default(),
            request_started: None,
            pending: Vec::new(),
            pending_bytes: 0,
            replies,
        }
    }

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
                AfterRequests::ReadMore => self.release_buffers(),
                AfterRequests::Close => return Ok(()),
                AfterRequests::Fail(error) => return self.end_with_error(error).await,
            }
            let read = tokio::select! {
                read = self.read_more() => read,
                // Also resolves if the server is dropped.
                _ = stop.wait_for(|stop| *stop) => return Ok(()),
            };
            match read {
                Ok(0) => return Ok(()),
                Ok(_) => {}
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
            match self.parser.next_request(&mut self.input) {
                Ok(Some(request)) => {
                    self.request_started = None;
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
        match command {
            Ok(Command::Write(write)) => self.queue_write(start, write).await?,
            Ok(Command::Read(read)) => {
                // A read sees the earlier writes of its connection.
                self.complete_writes().await?;
                let reply = read.run(&self.storage, &self.info, &mut self.replies).await?;
                self.record_request(start, reply.as_ref());
                if let Some(reply) = reply {
                    self.push_reply(&reply);
                }
            }
            Ok(Command::Recipient(named)) => {
                self.complete_writes().await?;
                if let Err(error) = (self.info.recipient_check)(&named) {
                    let text = format!("{ERROR_MISDIRECTED} {error}");
                    return Ok(ControlFlow::Break(AfterRequests::Fail(text)));
                }
                self.push_reply(&Reply::OK);
            }
            Ok(Command::Quit) => {
                self.complete_writes().await?;
                self.push_reply(&Reply::OK);
                return Ok(ControlFlow::Break(AfterRequests::Close));
            }
            Err(error) => {
                self.complete_writes().await?;
                self.push_reply(&error.into());
            }
        }
        self.replies.flush_if_full().await?;
        Ok(ControlFlow::Continue(()))
    }

    /// Collects a write. Writes that follow directly are in the same batch; their replies are sent
    /// together.
    async fn queue_write(&mut self, start: Instant, write: WriteCommand) -> io::Result<()> {
        let bytes = write.memory_bytes();
        // A reply with a value can be large, so it is not kept waiting with others.
        let replies_with_value = write.replies_with_value();
        if replies_with_value {
            self.complete_writes().await?;
            self.replies.acquire_large_permit().await?;
        }
        self.pending.push((start, write));
        self.pending_bytes += bytes;
        if replies_with_value
            || self.pending.len() >= MAX_PENDING_WRITES
            || self.pending_bytes > SMALL_BUFFER
        {
            self.complete_writes().await?;
        }
        Ok(())
    }

    /// Commits the pending writes as one batch and appends their replies.
    async fn complete_writes(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        self.pending_bytes = 0;
        let writes = mem::take(&mut self.pending);
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
        let mut rest = vec![0; 4096];
        let drained = async {
            while self.stream.read(&mut rest).await? > 0 {}
            io::Result::Ok(())
        };
        timeout(LINGER_TIMEOUT, drained).await?
    }

    /// Reads some bytes; 0 at the end of the stream.
    ///
    /// # Errors
    /// If the connection fails, or if an incomplete request exceeds its time-out.
    async fn read_more(&mut self) -> io::Result<usize> {
        if !self.parser.is_within_request(&self.input) {
            return self.stream.read_buf(reserve_input(&mut self.input)).await;
        }
        let started = *self.request_started.get_or_insert_with(Instant::now);
        let large = self.parser.buffered_bytes(&self.input) > SMALL_BUFFER;
        let more = async {
            if large {
                self.replies.acquire_large_permit().await?;
            }
            self.stream.read_buf(reserve_input(&mut self.input)).await
        };
        timeout_at(started + self.info.limits.request_timeout, more).await?
    }

    /// Releases the buffers and the permit of a large request or reply.
    fn release_buffers(&mut self) {
        if self.parser.is_within_request(&self.input) {
            return;
        }
        self.replies.release_large_permit();
        if self.input.capacity() > SMALL_BUFFER {
            self.input = BytesMut::new();
        }
    }
}

/// The input buffer, with space for at least 4 KiB more.
fn reserve_input(input: &mut BytesMut) -> &mut BytesMut {
    const LEAST: usize = 4096;
    input.reserve(LEAST);
    input
}
