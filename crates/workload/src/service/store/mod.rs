//! Queries to the own store, over RESP2.
//!
//! While the store restarts, queries are held and made again until the deadline of their request:
//! [`client`] says what failed, [`query`] tries again. What they cost is noted in the request.

mod client;
mod query;
mod scan;

pub(super) use client::StoreClient;
pub(super) use query::{Found, Set, get, set_if};
pub(super) use scan::summary;
