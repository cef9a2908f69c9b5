//! What clients may take up together and each.

use std::time::Duration;

/// Bytes that every connection may hold each way.
pub(super) const SMALL_BUFFER: usize = 64 * 1024;

/// The bounds of a server. With them its memory is bounded: 128 KiB for each connection, about
/// 5 MiB for each large one, and what the storage caches.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at a time; one more is told so and closed.
    pub connections: usize,
    /// Connections of which a request or a reply may be larger than 64 KiB, at a time; one more
    /// waits.
    pub large: usize,
    /// From a request's first byte to its last, and for a place among the large ones.
    pub request_timeout: Duration,
    /// For a client to take the replies that are ready.
    pub flush_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let (request, flush) = (Duration::from_secs(30), Duration::from_secs(30));
        Self { connections: 512, large: 8, request_timeout: request, flush_timeout: flush }
    }
}
