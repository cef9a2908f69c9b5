//! The open connections of one port, and what each of them waits for.
//!
//! A client that opens connections and sends nothing, or half a request, must not lock out others.
//! So a begun head has a time-out of its own, and while the port has as many connections as it may
//! have, the one that has waited longest for its client is closed. So are the oldest large uploads,
//! while the bodies that are not complete take more memory than they may.

use crate::runtime::lock;
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::{
    collections::BTreeMap,
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::Notify,
    time::{Instant, Sleep, sleep_until},
};

/// The longest time from the first byte of a request to the end of its head.
pub(super) const BEGUN_HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// The most bytes of bodies that are not complete, over all connections of a port.
pub(super) const MAX_INCOMPLETE_BODY_BYTES: usize = 8 << 20;

/// What a connection does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum ConnectionPhase {
    /// No request has begun.
    Idle,
    /// A part of a request's head has arrived.
    Head,
    /// The head has arrived, and not all of the body.
    Body,
    /// A request is in flight: the client waits for this process.
    Busy,
}

/// The connections of one port.
#[derive(Debug, Default)]
pub(super) struct ConnectionTable {
    connections: Mutex<BTreeMap<u64, Arc<ConnectionState>>>,
    incomplete_body_bytes: AtomicUsize,
}

impl ConnectionTable {
    /// Adds a connection until the handle is dropped.
    pub(super) fn add(self: &Arc<Self>) -> ConnectionHandle {
        let state = Arc::new(ConnectionState::new());
        let mut connections = lock(&self.connections);
        let number = connections.last_key_value().map_or(0, |(last, _)| last + 1);
        connections.insert(number, Arc::clone(&state));
        ConnectionHandle { state, number, table: Arc::downgrade(self) }
    }

    /// Closes the connection that has waited longest for its client, if any waits.
    pub(super) fn close_longest_waiting(&self) {
        self.close_oldest(|phase| phase != ConnectionPhase::Busy);
    }

    /// Closes the connection that has been longest in a phase that `is_closable`.
    fn close_oldest(&self, is_closable: impl Fn(ConnectionPhase) -> bool) {
        let connections = lock(&self.connections);
        let waiting = connections.values().filter_map(|state| {
            let (phase, since) = state.load();
            (is_closable(phase) && !state.is_closing()).then_some((since, state))
        });
        if let Some((_, state)) = waiting.min_by_key(|(since, _)| *since) {
            state.close();
        }
    }

    /// Counts bytes of a body that is not complete. Above the bound, closes uploads until the others
    /// are within it.
    fn add_body_bytes(&self, state: &ConnectionState, bytes: usize) {
        // The total first: another thread may release the connection's bytes at any time.
        let total = self.incomplete_body_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        state.body_bytes.fetch_add(bytes, Ordering::Relaxed);
        if total > MAX_INCOMPLETE_BODY_BYTES {
            self.close_uploads();
        }
    }

    /// The bytes of a connection count no longer: its body is complete, or it is being closed.
    fn release_body_bytes(&self, state: &ConnectionState) {
        let bytes = state.body_bytes.swap(0, Ordering::Relaxed);
        self.incomplete_body_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Closes the oldest uploads with at least half of the average number of bytes, while all uploads
    /// together have too many: to close one that has few bytes would not help. Half, so that one that
    /// grows is not the only one above the average of many that stand still.
    fn close_uploads(&self) {
        let connections = lock(&self.connections);
        let mut uploads: Vec<_> = connections
            .values()
            .filter(|state| state.load().0 == ConnectionPhase::Body && !state.is_closing())
            .map(|state| (state.load().1, state.body_bytes.load(Ordering::Relaxed), state))
            .filter(|(_, bytes, _)| *bytes > 0)
            .collect();
        let total: usize = uploads.iter().map(|(_, bytes, _)| bytes).sum();
        let average = total / uploads.len().max(1);
        uploads.sort_by_key(|(since, bytes, _)| (*bytes < average / 2, *since));
        for (_, _, state) in uploads {
            if self.incomplete_body_bytes.load(Ordering::Relaxed) <= MAX_INCOMPLETE_BODY_BYTES {
                return;
            }
            state.close();
            // They are freed soon: no further upload is closed in their place.
            self.release_body_bytes(state);
        }
    }
}

/// A connection in its table.
pub(super) struct ConnectionHandle {
    pub(super) state: Arc<ConnectionState>,
    number: u64,
    table: Weak<ConnectionTable>,
}

impl Drop for ConnectionHandle {
    fn drop(&mut self) {
        if let Some(table) = self.table.upgrade() {
            lock(&table.connections).remove(&self.number);
        }
    }
}

/// What a connection does, and since when.
#[derive(Debug)]
pub(super) struct ConnectionState {
    opened: Instant,
    /// The phase in the lowest two bits; above them the milliseconds from `opened` to its start.
    phase: AtomicU64,
    /// The bytes of a body that is not complete.
    body_bytes: AtomicUsize,
    is_closing: AtomicBool,
    closing: Notify,
}

impl ConnectionState {
    fn new() -> Self {
        Self {
            opened: Instant::now(),
            phase: AtomicU64::new(ConnectionPhase::Idle as u64),
            body_bytes: 0.into(),
            is_closing: false.into(),
            closing: Notify::new(),
        }
    }

    fn load(&self) -> (ConnectionPhase, Instant) {
        let packed = self.phase.load(Ordering::Relaxed);
        let phase = match packed & 3 {
            0 => ConnectionPhase::Idle,
            1 => ConnectionPhase::Head,
            2 => ConnectionPhase::Body,
            _ => ConnectionPhase::Busy,
        };
        (phase, self.opened + Duration::from_millis(packed >> 2))
    }

    fn store(&self, phase: ConnectionPhase) {
        let millis = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX >> 2);
        self.phase.store((millis << 2) | phase as u64, Ordering::Relaxed);
    }

    /// A head is complete. The body of the request reports when it is.
    pub(super) fn begin_request(
        self: &Arc<Self>,
        table: &Arc<ConnectionTable>,
        body: Incoming,
    ) -> WatchedBody {
        self.store(if body.is_end_stream() {
            ConnectionPhase::Busy
        } else {
            ConnectionPhase::Body
        });
        WatchedBody { body, state: Arc::clone(self), table: Arc::clone(table) }
    }

    /// The answer is complete.
    pub(super) fn end_request(&self) {
        self.store(ConnectionPhase::Idle);
    }

    fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Relaxed)
    }

    fn close(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
        self.closing.notify_one();
    }

    /// Waits until the connection must be closed.
    pub(super) async fn wait_until_closing(&self) {
        self.closing.notified().await;
    }
}

/// The stream of a connection: it notes when a head begins, and fails if the head takes too long.
pub(super) struct WatchedStream {
    stream: TcpStream,
    state: Arc<ConnectionState>,
    head_timer: Option<Pin<Box<Sleep>>>,
}

impl WatchedStream {
    pub(super) fn new(stream: TcpStream, state: Arc<ConnectionState>) -> Self {
        Self { stream, state, head_timer: None }
    }

    /// Ready once a begun head has taken too long.
    fn poll_head_timeout(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let (phase, since) = self.state.load();
        if phase != ConnectionPhase::Head {
            self.head_timer = None;
            return Poll::Pending;
        }
        let timer = self
            .head_timer
            .get_or_insert_with(|| Box::pin(sleep_until(since + BEGUN_HEAD_TIMEOUT)));
        timer.as_mut().poll(cx)
    }
}

impl AsyncRead for WatchedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before && self.state.load().0 == ConnectionPhase::Idle {
            self.state.store(ConnectionPhase::Head);
        }
        if polled.is_pending() && self.poll_head_timeout(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        polled
    }
}

impl AsyncWrite for WatchedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// The body of a request: it notes when it is complete.
pub(super) struct WatchedBody {
    body: Incoming,
    state: Arc<ConnectionState>,
    table: Arc<ConnectionTable>,
}

impl Drop for WatchedBody {
    fn drop(&mut self) {
        self.table.release_body_bytes(&self.state);
    }
}

impl Body for WatchedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if matches!(polled, Poll::Ready(None)) || self.body.is_end_stream() {
            self.state.store(ConnectionPhase::Busy);
            self.table.release_body_bytes(&self.state);
        } else if let Poll::Ready(Some(Ok(frame))) = &polled {
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            self.table.add_body_bytes(&self.state, bytes);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
