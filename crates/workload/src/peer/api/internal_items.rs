//! The internal items API: what the peers themselves hold, for components that migrate from them;
//! see [`maquette_contract::internal_api`]. It reads neither a migration source nor a successor.

use super::{PeerApi, answer_deadline, unavailable_error};
use crate::{
    http::{HttpError, LocalItems, Request},
    peer::{
        coordinate::{Collector, Unavailable, collect_items},
        replica::ListedItem,
        settings::PeerSettings,
    },
};
use axum::http::StatusCode;
use maquette_contract::{
    ItemKey, Record, Summary,
    internal_api::{InternalItem, InternalPage},
};
use std::ops::ControlFlow;

/// Items in a page.
const PAGE_ITEMS: usize = 1000;

/// Collects one page of a scan.
#[derive(Debug, Default)]
struct PageCollector(InternalPage);

impl Collector for PageCollector {
    fn add_item(
        &mut self,
        ListedItem { key, version, bytes, damaged }: ListedItem,
    ) -> ControlFlow<()> {
        let InternalPage { items, next } = &mut self.0;
        if items.len() == PAGE_ITEMS {
            // This item belongs to the next page.
            *next = items.last().map(|last| last.key.to_string());
            return ControlFlow::Break(());
        }
        let deleted = version.is_some() && bytes.is_none();
        items.push(InternalItem { key, version, deleted, damaged });
        ControlFlow::Continue(())
    }
}

impl LocalItems<PeerSettings> for PeerApi {
    async fn read_local(
        &self,
        request: &Request<PeerSettings>,
        key: &ItemKey,
    ) -> Result<Option<Record>, HttpError> {
        self.0.coordinator.item(key, answer_deadline(request), &|_| {}).read().await.map_err(
            |error| match error {
                Unavailable::Damaged { .. } => {
                    HttpError::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
                }
                _ => unavailable_error(error),
            },
        )
    }

    async fn put_local_if_newer(
        &self,
        request: &Request<PeerSettings>,
        key: &ItemKey,
        record: Record,
    ) -> Result<(), HttpError> {
        self.0
            .coordinator
            .item(key, answer_deadline(request), &|_| {})
            .store(&record)
            .await
            .map_err(unavailable_error)
    }

    async fn list_local(
        &self,
        request: &Request<PeerSettings>,
        after: Option<&ItemKey>,
    ) -> Result<InternalPage, HttpError> {
        let after_key = after.map(ItemKey::to_string);
        let deadline = answer_deadline(request);
        collect_items(&self.0.coordinator, after_key.as_deref(), deadline, &|_| {})
            .await
            .map(|PageCollector(page)| page)
            .map_err(unavailable_error)
    }

    async fn summarize_local(&self, request: &Request<PeerSettings>) -> Result<Summary, HttpError> {
        self.0
            .coordinator
            .summarize(answer_deadline(request), &|_| {})
            .await
            .map_err(unavailable_error)
    }
}
