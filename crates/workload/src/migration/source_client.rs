//! The old home of items: a store or peers.

use crate::{
    backend::{InternalApiClient, QueryContext, StoreClient, VersionFn},
    http::HttpError,
    runtime::Edge,
};
use maquette_contract::{
    Address, CollectionSet, ComponentName, ItemKey, Record, SourceBackend, Summary,
    internal_api::InternalPage,
};
use serde_json::Value;
use std::sync::Arc;

/// The old home, with the connections to it; clones are the same.
#[derive(Clone, Debug)]
pub(super) enum SourceClient {
    Store(Arc<StoreClient>),
    Peers(Arc<InternalApiClient>),
}

impl SourceClient {
    /// The home at `address`, the component `to`; its probes begin now.
    pub(super) fn new(home: SourceBackend, to: ComponentName, address: Address) -> Self {
        match home {
            SourceBackend::Store => Self::Store(StoreClient::new(to, address)),
            SourceBackend::Peers => Self::Peers(InternalApiClient::new(to, address)),
        }
    }

    /// What it is.
    pub(super) fn backend(&self) -> SourceBackend {
        match self {
            Self::Store(_) => SourceBackend::Store,
            Self::Peers(_) => SourceBackend::Peers,
        }
    }

    /// The edge to it.
    pub(super) fn edge(&self) -> &Arc<Edge> {
        match self {
            Self::Store(store) => store.edge(),
            Self::Peers(peers) => peers.edge(),
        }
    }

    /// The item: no older than any write that was acknowledged before.
    pub(super) async fn read_item(
        &self,
        asking: &QueryContext<'_>,
        key: &ItemKey,
    ) -> Result<Option<Record>, HttpError> {
        match self {
            Self::Store(store) => store.read_item(asking, key).await,
            Self::Peers(peers) => peers.read_item(asking, key).await,
        }
    }

    /// Writes a value, with the version that `next` gives for what it replaces.
    pub(super) async fn write_item(
        &self,
        asking: &QueryContext<'_>,
        key: &ItemKey,
        value: &Value,
        next: VersionFn<'_>,
    ) -> Result<Record, HttpError> {
        match self {
            Self::Store(store) => store.write_item(asking, key, value, next).await,
            Self::Peers(peers) => peers.write_item(asking, key, value, next).await,
        }
    }

    /// A page of the items of some collections, with their versions: the first one, or that which begins
    /// `after` the one before, as that says.
    pub(super) async fn list_page(
        &self,
        asking: &QueryContext<'_>,
        after: Option<&str>,
        collections: &CollectionSet,
    ) -> Result<InternalPage, HttpError> {
        match self {
            Self::Store(store) => {
                store.list_page(asking, after, &|collection| collections.contains(collection)).await
            }
            Self::Peers(peers) => {
                let mut page = peers.list_page(asking, after).await?;
                page.items.retain(|item| collections.contains(&item.key.collection));
                Ok(page)
            }
        }
    }

    /// What there is of each of some collections.
    pub(super) async fn summarize(
        &self,
        asking: &QueryContext<'_>,
        collections: &CollectionSet,
    ) -> Result<Summary, HttpError> {
        match self {
            Self::Store(store) => {
                store.summarize(asking, &|collection| collections.contains(collection)).await
            }
            Self::Peers(peers) => {
                let mut summary = peers.summarize(asking).await?;
                summary.collections.retain(|collection, _| collections.contains(collection));
                Ok(summary)
            }
        }
    }
}
