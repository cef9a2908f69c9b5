//! The migration sources of a configuration.

use super::{collection_sets, progress::BackfillProgress, source_client::SourceClient};
use crate::{
    backend::{BackendError, QueryContext, merge_summaries},
    runtime::{Edge, EdgeTarget},
};
use futures_util::future::join_all;
use maquette_contract::{
    Collection, CollectionSet, ComponentIdentity, MigrationObservation, MigrationSource, Summary,
};
use std::sync::Arc;

/// A migration source. It is new with each configuration; only its connections are kept.
#[derive(Debug)]
pub(crate) struct Source {
    pub(super) client: SourceClient,
    /// The collections that are migrated from there, of those that this component owns.
    pub(super) collections: CollectionSet,
    /// Whether all other writers of the source have stopped.
    pub(super) final_pass: bool,
    /// As it is new with each configuration, a complete backfill began under this one.
    pub(super) progress: BackfillProgress,
}

/// The sources of a configuration; clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources(Arc<[Source]>);

impl Sources {
    /// Rejects two sources for one collection that this component owns: only one of them can have
    /// all writes. Collections that it does not own are ignored.
    ///
    /// # Errors
    /// A sentence that names the collections and both sources.
    pub(crate) fn validate(
        sources: &[MigrationSource],
        owned: &CollectionSet,
    ) -> Result<(), String> {
        let migrated: Vec<_> = sources
            .iter()
            .map(|source| collection_sets::intersection(&source.collections, owned))
            .collect();
        for (index, later) in migrated.iter().enumerate() {
            for (before, earlier) in migrated.iter().enumerate().take(index) {
                let shared = collection_sets::intersection(earlier, later);
                if !collection_sets::is_empty(&shared) {
                    let (one, other) = (&sources[before].component, &sources[index].component);
                    let what = collection_sets::describe_set(&shared);
                    return Err(format!(
                        "migrationSources: {what} would come from both {one} and {other}; remove \
                         one of them"
                    ));
                }
            }
        }
        Ok(())
    }

    /// The sources that a configuration names, with the connections from `before` to those that
    /// stay. Must be called within the asynchronous runtime.
    pub(crate) fn build(
        configured: Vec<MigrationSource>,
        own: &ComponentIdentity,
        owned: &CollectionSet,
        before: Option<&Self>,
    ) -> Self {
        let sources =
            configured.into_iter().map(|source| Source::build(source, own, owned, before));
        Self(sources.collect())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Source> {
        self.0.iter()
    }

    /// The source of a collection, while it is migrated.
    pub(crate) fn source_of(&self, collection: &Collection) -> Option<&Source> {
        self.iter().find(|source| source.collections.contains(collection))
    }

    /// The edges to the sources, for the pod's report.
    pub(crate) fn edges(&self) -> impl Iterator<Item = &Arc<Edge>> {
        self.iter().map(|source| source.client.edge())
    }

    /// The progress of each backfill, for the pod's report.
    pub(crate) fn observations(&self) -> Vec<MigrationObservation> {
        self.iter().map(|source| source.progress.observation(source.client.edge().to())).collect()
    }

    /// Adds up the items of the migrated collections in all sources. As the sources are complete,
    /// the larger count is right wherever the target has some of the items: see
    /// [`merge_summaries`].
    ///
    /// # Errors
    /// If a source gives no answer before the deadline: a summary without it would be wrong.
    pub(crate) async fn summarize(
        &self,
        context: &QueryContext<'_>,
    ) -> Result<Summary, BackendError> {
        let queries = self
            .iter()
            .filter(|source| !collection_sets::is_empty(&source.collections))
            .map(|source| source.client.summarize(context, &source.collections));
        let summaries = join_all(queries).await.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(summaries.into_iter().reduce(merge_summaries).unwrap_or_default())
    }
}

impl Source {
    fn build(
        configured: MigrationSource,
        own: &ComponentIdentity,
        owned: &CollectionSet,
        before: Option<&Sources>,
    ) -> Self {
        let MigrationSource { component, backend, address, collections, final_pass } = configured;
        let target = EdgeTarget::new(own, component, address);
        let kept = before
            .into_iter()
            .flat_map(Sources::iter)
            .map(|source| &source.client)
            .find(|client| client.backend() == backend && *client.edge().target() == target);
        let client = match kept {
            Some(client) => client.clone(),
            None => SourceClient::new(backend, target),
        };
        let migrated = collection_sets::intersection(&collections, owned);
        let progress = BackfillProgress::new(collection_sets::is_empty(&migrated));
        Self { client, collections: migrated, final_pass, progress }
    }
}
