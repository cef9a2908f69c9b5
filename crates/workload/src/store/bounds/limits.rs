//! The bounds of clients: each, and together.

use std::time::Duration;

/// The bytes that every connection may buffer in each direction, without a place in the budget.
pub(in crate::store) const SMALL_BUFFER: usize = 64 * 1024;

/// The bounds of a server. They bound its memory: 128 KiB for each connection, the two budgets, and
/// the cache of the storage.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most open connections; a further one receives an error and is closed.
    pub connections: usize,
    /// The most of them from one address.
    pub connections_of_one_address: usize,
    /// How many of them only callers get that name their recipient first.
    pub connections_of_known_callers: usize,
    /// The memory of all requests above 64 KiB, in bytes; further ones wait.
    pub request_memory: usize,
    /// The memory of all replies above 64 KiB, in bytes; further ones wait.
    pub reply_memory: usize,
    /// The longest time from a request's first byte to its last, including the wait for memory.
    pub request_timeout: Duration,
    /// The longest time until a client has read the replies of one flush.
    pub flush_timeout: Duration,
    /// While three quarters of the connections are open, one without a complete request for this
    /// time is closed, unless its caller is known.
    pub idle_timeout: Duration,
    /// A connection in a place of known callers must name its recipient within this time after it
    /// is accepted.
    pub naming_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        let timeout = Duration::from_secs(30);
        Self {
            connections: 512,
            connections_of_one_address: 384,
            connections_of_known_callers: 64,
            request_memory: 32 * MIB,
            reply_memory: 32 * MIB,
            request_timeout: timeout,
            flush_timeout: timeout,
            idle_timeout: Duration::from_secs(10),
            naming_timeout: Duration::from_secs(1),
        }
    }
}
