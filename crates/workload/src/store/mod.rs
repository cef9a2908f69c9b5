//! The store: a server of RESP2 and RESP3 for `redis-cli` and common Redis clients, with every item on disk.
//!
//! Owns the protocol ([`resp`]), the commands ([`command`]) and the bounds of a connection. A write
//! is answered once it is on disk; pipelined writes share a commit, and replies keep the order of
//! their requests. Malformed or slow input of one client does not affect the others.
//!
//! Never interprets values, calls no other component, and keeps no items in memory that are not on
//! disk.

mod bounds;
mod command;
mod connection;
mod glob;
mod metrics;
mod reply_writer;
mod request_reader;
mod resp;
mod role;
mod server;
mod session;
mod sweep;

pub use bounds::limits::Limits;
pub use metrics::StoreMetrics;
pub use role::run;
pub use server::StoreServer;
