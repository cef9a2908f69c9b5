//! The bounds of clients: each, and together.

use std::time::Duration;

/// The bytes that every connection may buffer in each direction, without a permit to be large.
pub(super) const SMALL_BUFFER: usize = 64 * 1024;

/// The bounds of a server. They bound its memory: 128 KiB for each connection, about 5 MiB for each
/// large one, and the cache of the storage.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most open connections; a further one receives an error and is closed.
    pub connections: usize,
    /// The most connections with a request or reply above 64 KiB; further ones wait.
    pub large_connections: usize,
    /// The longest time from a request's first byte to its last, including the wait for a permit.
    pub request_timeout: Duration,
    /// The longest time until a client has read the replies of one flush.
    pub flush_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let timeout = Duration::from_secs(30);
        Self {
            connections: 512,
            large_connections: 8,
            request_timeout: timeout,
            flush_timeout: timeout,
        }
    }
}
