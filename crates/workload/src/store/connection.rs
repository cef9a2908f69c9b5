//! One connection: requests in, replies out, in order.

use super::{
    command::{self, Command, PendingReply, ServerInfo, WriteCommand},
    limits::SMALL_BUFFER,
    reply_writer::ReplyWriter,
    resp::{ProtocolError, Reply, Request, RequestParser},
};
use crate::storage::Storage;
use bytes::BytesMut;
use std::{collections::VecDeque, io, ops::ControlFlow, time::Duration};
use tokio::{
    io::AsyncReadExt,
    net::tcp::OwnedReadHalf,
    sync::watch,
    time::{Instant, timeout, timeout_at},
};

/// Writes of one connection that may wait for their commit together.
const MAX_PENDING_WRITES: usize = 256;
/// How long a connection that broke the protocol may go on sending to nobody.
const LINGER_TIMEOUT: Duration = Duration::from_secs(1);

/// A connection and all that it holds.
pub(super) struct ClientConnection {
    storage: Storage,
    info: ServerInfo,
    stream: OwnedReadHalf,
    input: BytesMut,
    parser: RequestParser,
    /// When the request began of which not all is there.
    request_started: Option<Instant>,
    /// Writes under way, and the bytes that they hold.
    pending: VecDeque<(Instant, PendingReply)>,
    pending_bytes: usize,
    replies: ReplyWriter,
}

/// Whether a connection goes on.
enum AfterRequests {
    /// Once there are more bytes.
    ReadMore,
    /// It ends as the client wishes.
    Close,
    /// It ends because nothing that follows can be understood.
    Fail(ProtocolError),
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
            pending: VecDeque::new(),
            pending_bytes: 0,
            replies,
        }
    }

    /// Serves until the client leaves, breaks the protocol, or the server is to stop; whatever
    /// has been understood by then is answered.
    ///
    /// # Errors
    /// If the connection fails.
    pub(super) async fn serve(mut self, mut stop: watch::Receiver<bool>) -> io::Result<()> {
        loop {
            let next = self.execute_received().await?;
            self.complete_writes().await?;
            self.replies.flush().await?;
            match next {
                AfterRequests::ReadMore => self.release_buffers(),
                AfterRequests::Close => return Ok(()),
                AfterRequests::Fail(error) => return self.end_with_error(&error.to_string()).await,
            }
            let read = tokio::select! {
                read = self.read_more() => read,
                // Also resolves if the server is gone.
                _ = stop.wait_for(|stop| *stop) => return Ok(()),
            };
            match read {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    return self.end_with_error("Protocol error: the request took too long").await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Carries out every request that is complete.
    async fn execute_received(&mut self) -> io::Result<AfterRequests> {
        loop {
            match self.parser.next_request(&mut self.input) {
                Ok(Some(request)) => {
                    self.request_started = None;
                    if let ControlFlow::Break(()) = self.execute_request(request).await? {
                        return Ok(AfterRequests::Close);
                    }
                }
                Ok(None) => return Ok(AfterRequests::ReadMore),
                Err(error) => return Ok(AfterRequests::Fail(error)),
            }
        }
    }

    /// Carries one request out; breaks if it is the last.
    async fn execute_request(&mut self, request: Request) -> io::Result<ControlFlow<()>> {
        let begun = Instant::now();
        let (name, command) = command::parse(request);
        self.info.metrics.command(name);
        match command {
            Ok(Command::Write(write)) => self.queue_write(begun, write).await?,
            Ok(Command::Read(read)) => {
                // A read must see the writes before it.
                self.complete_writes().await?;
                let reply = read.run(&self.storage, &self.info, &mut self.replies).await?;
                self.record_request(begun, reply.as_ref());
                if let Some(reply) = reply {
                    self.push_reply(&reply);
                }
            }
            Ok(Command::Quit) => {
                self.complete_writes().await?;
                self.push_reply(&Reply::OK);
                return Ok(ControlFlow::Break(()));
            }
            Err(refusal) => {
                self.complete_writes().await?;
                self.push_reply(&refusal.into());
            }
        }
        self.replies.flush_if_full().await?;
        Ok(ControlFlow::Continue(()))
    }

    /// Queues a write. Its reply follows with those of the writes that come right behind it.
    async fn queue_write(&mut self, begun: Instant, write: WriteCommand) -> io::Result<()> {
        let bytes = write.held_bytes();
        let alone = write.replies_with_value();
        if alone {
            self.complete_writes().await?;
            self.replies.acquire_large_permit().await?;
        }
        self.pending.push_back((begun, write.submit(&self.storage).await));
        self.pending_bytes += bytes;
        if alone || self.pending.len() >= MAX_PENDING_WRITES || self.pending_bytes > SMALL_BUFFER {
            self.complete_writes().await?;
        }
        Ok(())
    }

    /// Waits for the writes under way and writes their replies.
    async fn complete_writes(&mut self) -> io::Result<()> {
        while let Some((begun, pending)) = self.pending.pop_front() {
            let reply = pending.await;
            self.record_request(begun, Some(&reply));
            self.push_reply(&reply);
        }
        self.pending_bytes = 0;
        self.replies.flush_if_full().await
    }

    /// A command that was understood and then failed has met the disk, not the client's mistake.
    fn record_request(&self, begun: Instant, reply: Option<&Reply>) {
        let failed = matches!(reply, Some(Reply::Error(_)));
        (self.info.observer)(begun.elapsed(), failed);
    }

    fn push_reply(&mut self, reply: &Reply) {
        if matches!(reply, Reply::Error(_)) {
            self.info.metrics.errors.inc();
        }
        self.replies.push(reply);
    }

    /// Says why the connection cannot go on, and ends it. What the client is still sending is
    /// taken for a moment: if it were not, the system would reset the connection and the client
    /// might never see the reason.
    async fn end_with_error(&mut self, error: &str) -> io::Result<()> {
        self.info.metrics.broken.inc();
        self.push_reply(&Reply::Error(format!("ERR {error}")));
        self.replies.finish().await?;
        let mut rest = vec![0; 4096];
        let drained = async {
            while self.stream.read(&mut rest).await? > 0 {}
            io::Result::Ok(())
        };
        timeout(LINGER_TIMEOUT, drained).await?
    }

    /// Reads some bytes; 0 at the end. A request that has begun must come within its deadline.
    async fn read_more(&mut self) -> io::Result<usize> {
        if !self.parser.is_within_request(&self.input) {
            return self.stream.read_buf(reserve_input(&mut self.input)).await;
        }
        let begun = *self.request_started.get_or_insert_with(Instant::now);
        let large = self.parser.buffered_bytes(&self.input) > SMALL_BUFFER;
        let more = async {
            if large {
                self.replies.acquire_large_permit().await?;
            }
            self.stream.read_buf(reserve_input(&mut self.input)).await
        };
        timeout_at(begun + self.info.limits.request_timeout, more).await?
    }

    /// Gives back what only a large request or reply needed.
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

/// The input, with room for some more.
fn reserve_input(input: &mut BytesMut) -> &mut BytesMut {
    const LEAST: usize = 4096;
    input.reserve(LEAST);
    input
}
