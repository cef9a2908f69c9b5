//! What the peers themselves hold, for the nodes that take it over: see
//! [`maquette_contract::held`]. Never from old homes, and never by way of a successor.

use super::{
    lists::{self, Gather},
    role::{Peer, deadline, unavailable},
    settings::PeerSettings,
    wire::Entry,
};
use crate::http::{Failure, Held, Request};
use maquette_contract::{
    ItemKey, Record, Summary,
    internal_api::{InternalItem, InternalPage},
};
use std::ops::ControlFlow;

/// The items of a page.
const PAGE: usize = 1000;

/// A page that comes about.
#[derive(Debug, Default)]
struct Leaf(InternalPage);

impl Gather for Leaf {
    fn add(&mut self, Entry { key, version, .. }: Entry) -> ControlFlow<()> {
        let InternalPage { items, next } = &mut self.0;
        if items.len() == PAGE {
            // There is one more, so there is a next page.
            *next = items.last().map(|last| last.key.to_string());
            return ControlFlow::Break(());
        }
        items.push(InternalItem { key, version });
        ControlFlow::Continue(())
    }
}

impl Held for Peer {
    async fn held(
        &self,
        request: &Request<PeerSettings>,
        key: &ItemKey,
    ) -> Result<Option<Record>, Failure> {
        self.0.get(key, deadline(request), &|_| {}).await.map_err(unavailable)
    }

    async fn keep(
        &self,
        request: &Request<PeerSettings>,
        key: &ItemKey,
        record: Record,
    ) -> Result<(), Failure> {
        self.0.keep(key, &record, deadline(request), &|_| {}).await.map_err(unavailable)
    }

    async fn list(
        &self,
        request: &Request<PeerSettings>,
        after: Option<&ItemKey>,
    ) -> Result<InternalPage, Failure> {
        let after = after.map(ItemKey::to_string);
        let page = lists::gather(&self.0.node, after.as_deref(), deadline(request), &|_| {});
        page.await.map(|Leaf(page)| page).map_err(unavailable)
    }

    async fn held_summary(&self, request: &Request<PeerSettings>) -> Result<Summary, Failure> {
        self.0.summary(deadline(request), &|_| {}).await.map_err(unavailable)
    }
}
