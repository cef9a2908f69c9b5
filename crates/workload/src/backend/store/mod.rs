//! The client of a store, over RESP2.
//!
//! [`client`] owns the connection and classifies its failures, [`query`] retries a query, [`item`]
//! reads and writes an item, [`scan`] lists items.

mod client;
mod item;
mod list;
mod query;
mod scan;

pub(crate) use client::StoreClient;
