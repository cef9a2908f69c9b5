//! A store, over RESP2.
//!
//! [`client`] keeps the connection and says what failed, [`query`] holds a query and makes it again,
//! [`item`] reads and writes an item, [`scan`] lists them.

mod client;
mod item;
mod query;
mod scan;

pub(crate) use client::StoreClient;
