//! Backends of items, seen over the network: a store or a group of peers.
//!
//! Owns the queries: to a store in RESP2 ([`StoreClient`]), and to the internal items API of peers
//! ([`InternalApiClient`], the paths of [`maquette_contract::internal_api`]). A query to a backend
//! that cannot be reached is retried until the deadline of its [`QueryContext`], whose log receives
//! each query with its cost. This module never chooses a backend and keeps no item.

mod error;
mod internal_api_client;
mod item_write;
mod merge;
mod query_context;
mod store;

pub(crate) use error::BackendError;
pub(crate) use internal_api_client::InternalApiClient;
pub(crate) use item_write::{ItemWrite, Precondition, WriteDecision, WrittenItem};
pub(crate) use merge::merge_summaries;
pub(crate) use query_context::{QueryContext, QueryLog};
pub(crate) use store::StoreClient;

use maquette_contract::{Collection, Version};

/// Gives the version of a write that replaces the version `seen`, or nothing. It is called again
/// whenever the item has changed before the write. Callers that know further versions of the item
/// return a version later than those too.
pub(crate) type VersionFn<'a> = &'a (dyn Fn(Option<&Version>) -> Version + Send + Sync);

/// Whether to include the items of a collection.
pub(crate) type CollectionFilter<'a> = &'a (dyn Fn(&Collection) -> bool + Send + Sync);
