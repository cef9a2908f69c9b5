//! One connection: requests in, replies out, in order.

use super::{
    command::{self, Command, Facts, Pending, Write},
    limits::SMALL,
    output::Output,
    resp::{Parser, ProtocolError, Reply, Request},
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
const PENDING: usize = 256;
/// How long a connection that broke the protocol may go on sending to nobody.
const LINGER: Duration = Duration::from_secs(1);

/// A connection and all that it holds.
pub(super) struct Connection {
    storage: Storage,
    facts: Facts,
    stream: OwnedReadHalf,
    input: BytesMut,
    parser: Parser,
    /// When the request began of which not all is there.
    begun: Option<Instant>,
    /// Writes under way, and the bytes that they hold.
    pending: VecDeque<(Instant, Pending)>,
    pending_bytes: usize,
    out: Output,
}

/// Whether a connection goes on.
enum Next {
    /// Once there are more bytes.
    More,
    /// It ends as the client wishes.
    Close,
    /// It ends because nothing that follows can be understood.
    Fail(ProtocolError),
}

impl Connection {
    pub(super) fn new(storage: Storage, facts: Facts, stream: OwnedReadHalf, out: Output) -> Self {
        Self {
            storage,
            facts,
            stream,
            input: BytesMut::new(),
            parser: Parser::default(),
            begun: None,
            pending: VecDeque::new(),
            pending_bytes: 0,
            out,
        }
    }

    /// Serves until the client leaves, breaks the protocol, or the server is to stop; whatever
    /// has been understood by then is answered.
    ///
    /// # Errors
    /// If the connection fails.
    pub(super) async fn serve(mut self, mut stop: watch::Receiver<bool>) -> io::Result<()> {
        loop {
            let next = self.answer().await?;
            self.settle().await?;
            self.out.flush().await?;
            match next {
                Next::More => self.shrink(),
                Next::Close => return Ok(()),
                Next::Fail(error) => return self.fail(&error.to_string()).await,
            }
            let read = tokio::select! {
                read = self.read() => read,
                // Also resolves if the server is gone.
                _ = stop.wait_for(|stop| *stop) => return Ok(()),
            };
            match read {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    return self.fail("Protocol error: the request took too long").await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Carries out every request that is complete.
    async fn answer(&mut self) -> io::Result<Next> {
        loop {
            match self.parser.next(&mut self.input) {
                Ok(Some(request)) => {
                    self.begun = None;
                    if let ControlFlow::Break(()) = self.execute(request).await? {
                        return Ok(Next::Close);
                    }
                }
                Ok(None) => return Ok(Next::More),
                Err(error) => return Ok(Next::Fail(error)),
            }
        }
    }

    /// Carries one request out; breaks if it is the last.
    async fn execute(&mut self, request: Request) -> io::Result<ControlFlow<()>> {
        let begun = Instant::now();
        let (name, command) = command::parse(request);
        self.facts.metrics.command(name);
        match command {
            Ok(Command::Write(write)) => self.write(begun, write).await?,
            Ok(Command::Read(read)) => {
                // A read must see the writes before it.
                self.settle().await?;
                let reply = read.run(&self.storage, &self.facts, &mut self.out).await?;
                self.observe(begun, reply.as_ref());
                if let Some(reply) = reply {
                    self.reply(&reply);
                }
            }
            Ok(Command::Quit) => {
                self.settle().await?;
                self.reply(&Reply::OK);
                return Ok(ControlFlow::Break(()));
            }
            Err(refusal) => {
                self.settle().await?;
                self.reply(&refusal.into());
            }
        }
        self.out.relieve().await?;
        Ok(ControlFlow::Continue(()))
    }

    /// Queues a write. Its reply follows with those of the writes that come right behind it.
    async fn write(&mut self, begun: Instant, write: Write) -> io::Result<()> {
        let bytes = write.bytes();
        let alone = write.replies_with_value();
        if alone {
            self.settle().await?;
            self.out.become_large().await?;
        }
        self.pending.push_back((begun, write.submit(&self.storage).await));
        self.pending_bytes += bytes;
        if alone || self.pending.len() >= PENDING || self.pending_bytes > SMALL {
            self.settle().await?;
        }
        Ok(())
    }

    /// Waits for the writes under way and writes their replies.
    async fn settle(&mut self) -> io::Result<()> {
        while let Some((begun, pending)) = self.pending.pop_front() {
            let reply = pending.await;
            self.observe(begun, Some(&reply));
            self.reply(&reply);
        }
        self.pending_bytes = 0;
        self.out.relieve().await
    }

    /// A command that was understood and then failed has met the disk, not the client's mistake.
    fn observe(&self, begun: Instant, reply: Option<&Reply>) {
        let failed = matches!(reply, Some(Reply::Error(_)));
        (self.facts.observer)(begun.elapsed(), failed);
    }

    fn reply(&mut self, reply: &Reply) {
        if matches!(reply, Reply::Error(_)) {
            self.facts.metrics.errors.inc();
        }
        self.out.push(reply);
    }

    /// Says why the connection cannot go on, and ends it. What the client is still sending is
    /// taken for a moment: if it were not, the system would reset the connection and the client
    /// might never see the reason.
    async fn fail(&mut self, error: &str) -> io::Result<()> {
        self.facts.metrics.broken.inc();
        self.reply(&Reply::Error(format!("ERR {error}")));
        self.out.finish().await?;
        let mut rest = vec![0; 4096];
        let drained = async {
            while self.stream.read(&mut rest).await? > 0 {}
            io::Result::Ok(())
        };
        timeout(LINGER, drained).await?
    }

    /// Reads some bytes; 0 at the end. A request that has begun must come within its deadline.
    async fn read(&mut self) -> io::Result<usize> {
        if !self.parser.is_within_request(&self.input) {
            return self.stream.read_buf(reserved(&mut self.input)).await;
        }
        let begun = *self.begun.get_or_insert_with(Instant::now);
        let large = self.parser.held(&self.input) > SMALL;
        let more = async {
            if large {
                self.out.become_large().await?;
            }
            self.stream.read_buf(reserved(&mut self.input)).await
        };
        timeout_at(begun + self.facts.limits.request, more).await?
    }

    /// Gives back what only a large request or reply needed.
    fn shrink(&mut self) {
        if self.parser.is_within_request(&self.input) {
            return;
        }
        self.out.become_small();
        if self.input.capacity() > SMALL {
            self.input = BytesMut::new();
        }
    }
}

/// The input, with room for some more.
fn reserved(input: &mut BytesMut) -> &mut BytesMut {
    const LEAST: usize = 4096;
    input.reserve(LEAST);
    input
}
