//! Receives the requests of one connection, within bounds.

use super::{
    Limits,
    bounds::budget::{MemoryBudget, Places},
    resp::{ProtocolError, Request, RequestParser},
};
use bytes::BytesMut;
use std::io;
use tokio::{
    io::AsyncReadExt,
    net::tcp::OwnedReadHalf,
    time::{Instant, timeout_at},
};

/// The received bytes of a connection that are not executed yet.
pub(super) struct RequestReader {
    stream: OwnedReadHalf,
    input: BytesMut,
    parser: RequestParser,
    budget: MemoryBudget,
    limits: Limits,
    /// The arrival of the first byte of the incomplete request, if there is one.
    request_started: Option<Instant>,
}

impl RequestReader {
    /// Reads from `stream`; `budget` bounds requests that are not small.
    pub(super) fn new(stream: OwnedReadHalf, budget: MemoryBudget, limits: Limits) -> Self {
        Self {
            stream,
            input: BytesMut::new(),
            parser: RequestParser::default(),
            budget,
            limits,
            request_started: None,
        }
    }

    /// The next complete request, if it has been received.
    ///
    /// # Errors
    /// If the client broke the protocol: nothing can be read after it.
    pub(super) fn next_request(&mut self) -> Result<Option<Request>, ProtocolError> {
        let request = self.parser.next_request(&mut self.input)?;
        if request.is_some() {
            self.request_started = None;
        }
        Ok(request)
    }

    /// The arrival of the first byte of the incomplete request, if there is one.
    pub(super) fn request_started(&self) -> Option<Instant> {
        self.request_started
    }

    /// Whether a part of a request has been received.
    fn is_within_request(&self) -> bool {
        self.parser.is_within_request(&self.input)
    }

    /// Reads some bytes, or gets the memory that the request needs: then the request may be complete.
    /// False at the end of the stream.
    ///
    /// # Errors
    /// If the connection fails, or if an incomplete request exceeds its time-out; while others wait for
    /// memory that this connection has, the rest of the request must arrive faster.
    pub(super) async fn read_more(&mut self, places: &mut Places) -> io::Result<bool> {
        if !self.is_within_request() {
            self.release_buffer(places);
            reserve_input(&mut self.input, 0);
            return Ok(self.stream.read_buf(&mut self.input).await? > 0);
        }
        let started = *self.request_started.get_or_insert_with(Instant::now);
        let deadline = started + self.limits.request_timeout;
        if self.parser.needs_memory(&self.input) {
            let cost = self.parser.memory_bound(&self.input);
            // The place of an earlier request of the same pipeline may be too small.
            if !places.request.as_ref().is_some_and(|place| place.covers(cost)) {
                places.request = None;
                let acquiring = self.budget.acquire(cost);
                places.request = Some(timeout_at(deadline, acquiring).await??);
            }
            self.parser.allow_large();
            return Ok(true);
        }
        reserve_input(&mut self.input, self.parser.missing_bytes());
        let read = places.transfer(self.stream.read_buf(&mut self.input));
        Ok(timeout_at(deadline, read).await?? > 0)
    }

    /// Reads and discards what the client still sends.
    ///
    /// # Errors
    /// If the connection fails.
    pub(super) async fn drain(&mut self) -> io::Result<()> {
        let mut rest = vec![0; 4096];
        while self.stream.read(&mut rest).await? > 0 {}
        Ok(())
    }

    /// Releases the memory of a large request between two requests.
    fn release_buffer(&mut self, places: &mut Places) {
        places.request = None;
        if self.input.capacity() > super::bounds::limits::SMALL_BUFFER {
            self.input = BytesMut::new();
        }
    }
}

/// Makes space for at least 4 KiB more, or for `missing` bytes.
fn reserve_input(input: &mut BytesMut, missing: usize) {
    const LEAST: usize = 4096;
    input.reserve(missing.saturating_sub(input.len()).max(LEAST));
}
