//! The store: a server that speaks RESP2, so that `redis-cli` and common Redis clients work, with
//! every item on disk.
//!
//! Owns the protocol ([`resp`]), the commands ([`command`]) and the bounds of a connection. A
//! reply to a write says that it is on disk; writes that a client sends without waiting share a
//! commit, and replies keep the order of their requests. What one client sends wrong or slowly
//! harms no other.
//!
//! It never looks into values, calls nobody, and keeps nothing in memory that the disk does not
//! have.

mod command;
mod connection;
mod glob;
mod metrics;
mod output;
mod resp;
mod server;

pub use metrics::Metrics;
pub use server::Server;

use std::time::Duration;

/// Connections at a time; one more is told so and closed.
pub const MAX_CONNECTIONS: usize = 512;
/// Connections whose request or reply may be larger than [`SMALL`], at a time.
const MAX_LARGE: usize = 8;
/// Bytes that every connection may hold each way.
const SMALL: usize = 64 * 1024;
/// From a request's first byte to its last.
const REQUEST_DEADLINE: Duration = Duration::from_secs(30);
/// For a client to take its replies.
const FLUSH_DEADLINE: Duration = Duration::from_secs(30);
