//! Homes of items, as those who ask them over the network see them: a store or peers.
//!
//! Owns the queries: to a store in RESP2 ([`StoreClient`]), to peers in HTTP, for what they hold
//! themselves ([`PeersClient`], the paths of [`maquette_contract::held`]). While a home cannot be
//! reached, queries are held and made again until the deadline that comes with them; what each one
//! cost is told to the [`Asking`] that it is made for. It never decides which home is asked, and
//! keeps no item.

mod merge;
mod peers;
mod query_context;
mod store;

pub(crate) use merge::merge_summaries;
pub(crate) use peers::InternalApiClient;
pub(crate) use query_context::{QueryContext, QueryLog};
pub(crate) use store::StoreClient;

use maquette_contract::{Collection, Version};

/// Gives the version of a write that replaces `seen`, or nothing. It is asked again whenever the
/// home turns out to hold something else. Who has seen the item elsewhere too sees to it that the
/// version is later than that as well.
pub(crate) type VersionFn<'a> = &'a (dyn Fn(Option<&Version>) -> Version + Send + Sync);

/// Whether items of a collection are wanted.
pub(crate) type CollectionFilter<'a> = &'a (dyn Fn(&Collection) -> bool + Send + Sync);
