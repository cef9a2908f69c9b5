//! The client of a migration source: a store or peers.

use crate::{
    backend::{
        BackendError, InternalApiClient, ItemWrite, QueryContext, StoreClient, VersionFn,
        WrittenItem,
    },
    runtime::{Edge, EdgeTarget},
};
use maquette_contract::{
    Collection, CollectionSet, ItemKey, ItemPage, PageItem, Record, SourceBackend, Summary,
    internal_api::{InternalItem, InternalPage},
};
use std::sync::Arc;

/// The connections to a migration source; clones share them.
#[derive(Clone, Debug)]
pub(super) enum SourceClient {
    Store(Arc<StoreClient>),
    Peers(Arc<InternalApiClient>),
}

impl SourceClient {
    /// The source at `target`; its probes start now.
    pub(super) fn new(backend: SourceBackend, target: EdgeTarget) -> Self {
        match backend {
            SourceBackend::Store => Self::Store(StoreClient::new(target)),
            SourceBackend::Peers => Self::Peers(InternalApiClient::new(target)),
        }
    }

    pub(super) fn backend(&self) -> SourceBackend {
        match self {
            Self::Store(_) => SourceBackend::Store,
            Self::Peers(_) => SourceBackend::Peers,
        }
    }

    pub(super) fn edge(&self) -> &Arc<Edge> {
        match self {
            Self::Store(store) => store.edge(),
            Self::Peers(peers) => peers.edge(),
        }
    }

    /// Reads an item, no older than any write that was acknowledged before.
    pub(super) async fn read_item(
        &self,
        context: &QueryContext<'_>,
        key: &ItemKey,
    ) -> Result<Option<Record>, BackendError> {
        match self {
            Self::Store(store) => store.read_item(context, key).await,
            Self::Peers(peers) => peers.read_item(context, key).await,
        }
    }

    /// Makes a write, with the version that `next` gives for the one that it replaces.
    pub(super) async fn write_item(
        &self,
        context: &QueryContext<'_>,
        key: &ItemKey,
        write: &ItemWrite,
        next: VersionFn<'_>,
    ) -> Result<WrittenItem, BackendError> {
        match self {
            Self::Store(store) => store.write_item(context, key, write, next).await,
            Self::Peers(peers) => peers.write_item(context, key, write, next).await,
        }
    }

    /// A page of the items of some collections: the first page, or the one that starts at `after`,
    /// the `next` of the page before.
    pub(super) async fn list_page(
        &self,
        context: &QueryContext<'_>,
        after: Option<&str>,
        collections: &CollectionSet,
    ) -> Result<InternalPage, BackendError> {
        match self {
            Self::Store(store) => {
                store
                    .list_page(context, after, &|collection| collections.contains(collection))
                    .await
            }
            Self::Peers(peers) => {
                let mut page = peers.list_page(context, after).await?;
                page.items.retain(|item| collections.contains(&item.key.collection));
                Ok(page)
            }
        }
    }

    /// A page of a collection, as users see it; see [`StoreClient::list_collection`].
    pub(super) async fn list_collection(
        &self,
        context: &QueryContext<'_>,
        collection: &Collection,
        limit: usize,
        after: Option<&str>,
    ) -> Result<ItemPage, BackendError> {
        let peers = match self {
            Self::Store(store) => {
                return store.list_collection(context, collection, limit, after).await;
            }
            Self::Peers(peers) => peers,
        };
        let InternalPage { items, mut next } = peers.list_page(context, after).await?;
        let is_listed = |item: &InternalItem| !item.deleted && item.key.collection == *collection;
        let mut listed = items.into_iter().filter(is_listed);
        let items: Vec<InternalItem> = listed.by_ref().take(limit).collect();
        if listed.next().is_some() {
            next = items.last().map(|last| last.key.to_string());
        }
        // An item without an intact copy has no version, and is not listed.
        let items = items.into_iter().filter_map(|InternalItem { key, version, .. }| {
            Some(PageItem { id: key.id, version: version? })
        });
        Ok(ItemPage { collection: collection.clone(), items: items.collect(), next })
    }

    /// Adds up the items of each of some collections.
    pub(super) async fn summarize(
        &self,
        context: &QueryContext<'_>,
        collections: &CollectionSet,
    ) -> Result<Summary, BackendError> {
        match self {
            Self::Store(store) => {
                store.summarize(context, &|collection| collections.contains(collection)).await
            }
            Self::Peers(peers) => {
                let mut summary = peers.summarize(context).await?;
                summary.collections.retain(|collection, _| collections.contains(collection));
                Ok(summary)
            }
        }
    }
}
