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
mod limits;
mod metrics;
mod reply_writer;
mod resp;
mod role;
mod server;

pub use limits::Limits;
pub use metrics::StoreMetrics;
pub use role::run;
pub use server::StoreServer;
