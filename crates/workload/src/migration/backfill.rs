//! One pass of the copy from an origin: everything that it holds, page by page.

use super::{Source, metrics::MigrationMetrics};
use crate::{
    backend::{QueryContext, StoreClient},
    http::HttpError,
};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use maquette_contract::{ItemKey, Record, Version, internal_api::InternalItem};

/// The items that are copied at once.
const CONCURRENT_ITEMS: usize = 16;

/// Where a copy goes: the part of the new home that this pod sees to.
pub(crate) trait BackfillSink: Send + Sync {
    /// Ends once it is settled which items are to be there, and stays so under this configuration.
    fn wait_until_stable(&self) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// Whether nothing is to be done about an item: this version of it or a later one is there for
    /// sure, or the item is not to be there.
    fn is_up_to_date(
        &self,
        asking: &QueryContext<'_>,
        key: &ItemKey,
        version: &Version,
    ) -> impl Future<Output = Result<bool, HttpError>> + Send;

    /// Makes it so that this record or a later one is there for sure. Repeating it changes nothing.
    fn put_if_newer(
        &self,
        asking: &QueryContext<'_>,
        key: &ItemKey,
        record: &Record,
    ) -> impl Future<Output = Result<(), HttpError>> + Send;
}

impl BackfillSink for StoreClient {
    async fn is_up_to_date(
        &self,
        asking: &QueryContext<'_>,
        key: &ItemKey,
        version: &Version,
    ) -> Result<bool, HttpError> {
        Ok(self.read_version(asking, key).await?.as_ref() >= Some(version))
    }

    async fn put_if_newer(
        &self,
        asking: &QueryContext<'_>,
        key: &ItemKey,
        record: &Record,
    ) -> Result<(), HttpError> {
        self.put_if_newer(asking, key, record).await
    }
}

/// A copy: from where, to where.
pub(super) struct Backfill<'a, H> {
    pub(super) source: &'a Source,
    pub(super) sink: &'a H,
    pub(super) metrics: &'a MigrationMetrics,
}

impl<H: BackfillSink> Backfill<'_, H> {
    /// Looks at every item of the origin. Ends at the first failure, after it was held for as long
    /// as a request is. No more than a page of versions and a few values are in memory.
    pub(super) async fn run_pass(&self) -> Result<(), HttpError> {
        self.sink.wait_until_stable().await;
        self.source.progress.start_pass();
        let mut after = None;
        loop {
            let Source { client: old, collections, .. } = self.source;
            let page =
                old.list_page(&QueryContext::background(), after.as_deref(), collections).await?;
            let items = stream::iter(page.items).map(|item| self.copy_item(item));
            items.buffer_unordered(CONCURRENT_ITEMS).try_collect::<()>().await?;
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }

    /// Takes an item over unless the new home has it.
    async fn copy_item(&self, item: InternalItem) -> Result<(), HttpError> {
        let InternalItem { key, version } = item;
        let asking = QueryContext::background();
        let copy = !self.sink.is_up_to_date(&asking, &key, &version).await?;
        if copy {
            let record = self.source.client.read_item(&asking, &key).await?;
            let gone = || HttpError::bad_gateway(format!("{key} was listed, but is not there"));
            self.sink.put_if_newer(&asking, &key, &record.ok_or_else(gone)?).await?;
        }
        self.source.progress.count_item();
        self.metrics.looked_at(self.source, copy);
        Ok(())
    }
}
