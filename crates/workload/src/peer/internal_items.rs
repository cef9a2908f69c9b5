//! What the peers themselves hold, for the nodes that take it over: see
//! [`maquette_contract::held`]. Never from old homes, and never by way of a successor.

use super::{
    role::{PeerApi, answer_deadline, unavailable_error},
    scan::{self, Collector},
    settings::PeerSettings,
    wire::ListedItem,
};
use crate::http::{HttpError, LocalItems, Request};
use maquette_contract::{
    ItemKey, Record, Summary,
    internal_api::{InternalItem, InternalPage},
};
use std::ops::ControlFlow;

/// The items of a page.
const PAGE_ITEMS: usize = 1000;

/// A page that comes about.
#[derive(Debug, Default)]
struct PageCollector(InternalPage);

impl Collector for PageCollector {
    fn add_item(&mut self, ListedItem { key, version, .. }: ListedItem) -> ControlFlow<()> {
        let InternalPage { items, next } = &mut self.0;
        if items.len() == PAGE_ITEMS {
            // There is one more, so there is a next page.
            *next = items.last().map(|last| last.key.to_string());
            return ControlFlow::Break(());
        }
        items.push(InternalItem { key, version });
        ControlFlow::Continue(())
    }
}

impl LocalItems<PeerSettings> for PeerApi {
    async fn read_local(
        &self,
        request: &Request<PeerSettings>,
        key: &ItemKey,
    ) -> Result<Option<Record>, HttpError> {
        self.0.read_item(key, answer_deadline(request), &|_| {}).await.map_err(unavailable_error)
    }

    async fn put_local_if_newer(
        &self,
        request: &Request<PeerSettings>,
        key: &ItemKey,
        record: Record,
    ) -> Result<(), HttpError> {
        self.0
            .store_version(key, &record, answer_deadline(request), &|_| {})
            .await
            .map_err(unavailable_error)
    }

    async fn list_local(
        &self,
        request: &Request<PeerSettings>,
        after: Option<&ItemKey>,
    ) -> Result<InternalPage, HttpError> {
        let after = after.map(ItemKey::to_string);
        let page =
            scan::collect_items(&self.0.node, after.as_deref(), answer_deadline(request), &|_| {});
        page.await.map(|PageCollector(page)| page).map_err(unavailable_error)
    }

    async fn summarize_local(&self, request: &Request<PeerSettings>) -> Result<Summary, HttpError> {
        self.0.summary(answer_deadline(request), &|_| {}).await.map_err(unavailable_error)
    }
}
