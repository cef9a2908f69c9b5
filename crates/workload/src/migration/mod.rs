//! Origins: old homes of items that this component takes over, see [`maquette_contract::Origin`].
//!
//! Owns the order in which the old home and the new one are asked ([`take_over`]), the copy in the
//! background ([`copy`], of which [`pass`] is one pass) and what is told of it ([`progress`],
//! [`meters`]). The new home is whatever implements [`NewHome`], for requests, and [`Destination`],
//! for the copy: a service's own store, or the peers themselves, of which each copies to its own
//! disk. It serves no requests, and asks nobody for a collection that the component does not own.
//!
//! # How a role takes over
//!
//! 1. Its settings hold [`Origins`]. `Settings::check` calls [`Origins::check`], `Settings::build`
//!    calls [`Origins::build`] with those from before (connections and probes go on),
//!    `Settings::edges` adds [`Origins::edges`], `Settings::origins` gives [`Origins::observe`].
//!    Which collections the component owns is a [`CollectionSet`]; for peers it is every collection:
//!    `CollectionSet::AllBut(BTreeSet::new())`.
//! 2. A request for an item first asks [`Origins::of`] its collection. Where there is an origin, it calls
//!    [`Origin::read`] or [`Origin::write`] with the new home instead of asking that alone.
//! 3. The summary merges [`Origins::summary`] into its own part.
//! 4. It runs [`follow`] beside its requests; that ends when the pod drains.
//!
//! On whose behalf all this happens - the deadline, the trace, who takes note of queries - is a
//! [`crate::home::Asking`].
//!
//! # What holds
//!
//! A write is in the origin before it is in the new home, and acknowledged when it is in both. So
//! the origin is complete for as long as anybody asks it alone, and orders the writes of all. An
//! answer is never newer than what the new home holds: whoever reads the new home alone later, as
//! pods do whose configuration names the origin no more, reads the same or something newer.

mod backfill;
mod backfill_driver;
mod collection_sets;
mod dual_write;
mod metrics;
mod progress;
mod source_client;

pub(crate) use backfill::BackfillSink;
pub(crate) use backfill_driver::{BackfillJob, run_backfills};
pub(crate) use dual_write::MigrationTarget;
use source_client::SourceClient;

use crate::{
    backend::{QueryContext, merge_summaries},
    http::HttpError,
    runtime::Edge,
};
use futures_util::future::join_all;
use maquette_contract::{
    self as contract, Collection, CollectionSet, MigrationObservation, Summary,
};
use progress::BackfillProgress;
use std::sync::Arc;

/// An old home of items. It is made anew with each configuration; only the connections go on.
#[derive(Debug)]
pub(crate) struct Source {
    client: SourceClient,
    /// The collections that come from there and that this component owns.
    collections: CollectionSet,
    /// Whether nobody else writes there any more.
    final_pass: bool,
    /// How far the copy is. As it is made with the configuration, a copy that is complete began
    /// under it.
    progress: BackfillProgress,
}

/// The origins of a configuration; clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources(Arc<[Source]>);

impl Sources {
    /// Refuses two origins for a collection that this component owns: nobody could say which one has all
    /// writes. Collections that it does not own do not count.
    ///
    /// # Errors
    /// A sentence that names the collections and both origins.
    pub(crate) fn validate(
        origins: &[contract::MigrationSource],
        owned: &CollectionSet,
    ) -> Result<(), String> {
        let own: Vec<_> = origins
            .iter()
            .map(|it| collection_sets::intersection(&it.collections, owned))
            .collect();
        for (index, later) in own.iter().enumerate() {
            for (before, earlier) in own.iter().enumerate().take(index) {
                let shared = collection_sets::intersection(earlier, later);
                if !collection_sets::is_empty(&shared) {
                    let (one, other) = (&origins[before].component, &origins[index].component);
                    let what = collection_sets::describe_set(&shared);
                    return Err(format!(
                        "origins: {what} would come from both {one} and {other}; leave one of them"
                    ));
                }
            }
        }
        Ok(())
    }

    /// The origins that a configuration names, with the connections from `before` where they lead
    /// to the same home. Called within the asynchronous runtime.
    pub(crate) fn build(
        origins: Vec<contract::MigrationSource>,
        owned: &CollectionSet,
        before: Option<&Self>,
    ) -> Self {
        let build = |origin: contract::MigrationSource| {
            let contract::MigrationSource {
                component,
                backend: home,
                address,
                collections,
                final_pass: last,
            } = origin;
            let mut olds = before.iter().flat_map(|before| before.0.iter().map(|it| &it.client));
            let old =
                olds.find(|old| old.backend() == home && old.edge().leads_to(&component, &address));
            let old = old.cloned().unwrap_or_else(|| SourceClient::new(home, component, address));
            let collections = collection_sets::intersection(&collections, owned);
            let progress = BackfillProgress::new(collection_sets::is_empty(&collections));
            Source { client: old, collections, final_pass: last, progress }
        };
        Self(origins.into_iter().map(build).collect())
    }

    /// The origin of a collection, if it has one.
    pub(crate) fn source_of(&self, collection: &Collection) -> Option<&Source> {
        self.0.iter().find(|origin| origin.collections.contains(collection))
    }

    /// The edges to the origins, as they are to be reported.
    pub(crate) fn edges(&self) -> impl Iterator<Item = &Arc<Edge>> {
        self.0.iter().map(|origin| origin.client.edge())
    }

    /// How the copies do.
    pub(crate) fn observe(&self) -> Vec<MigrationObservation> {
        let observe = |origin: &Source| origin.progress.observe(origin.client.edge().to());
        self.0.iter().map(observe).collect()
    }

    /// What the origins hold of the collections that come from there. They are complete, so of this and
    /// the new home's own part the larger count is true: see [`merge`].
    ///
    /// # Errors
    /// If one of them gives no answer in time: a summary without it would be untrue.
    pub(crate) async fn summarize(&self, asking: &QueryContext<'_>) -> Result<Summary, HttpError> {
        let asked = self.0.iter().filter(|origin| !collection_sets::is_empty(&origin.collections));
        let parts = asked.map(|origin| origin.client.summarize(asking, &origin.collections));
        let parts = join_all(parts).await.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(parts.into_iter().reduce(merge_summaries).unwrap_or_default())
    }
}
