//! One pass of a backfill: all items of a source, page by page.

use super::{Source, metrics::MigrationMetrics};
use crate::backend::{BackendError, QueryContext, StoreClient};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use maquette_contract::{ItemKey, Record, Version, internal_api::InternalItem};

/// The items that are copied at the same time.
const CONCURRENT_ITEMS: usize = 16;

/// The part of the target that this pod fills.
pub(crate) trait BackfillSink: Send + Sync {
    /// Returns once it is fixed which items belong into this sink under this configuration.
    fn wait_until_stable(&self) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// Whether the sink needs no copy of an item: it durably has this version or a later one, or
    /// the item does not belong into it.
    fn is_up_to_date(
        &self,
        context: &QueryContext<'_>,
        key: &ItemKey,
        version: &Version,
    ) -> impl Future<Output = Result<bool, BackendError>> + Send;

    /// Writes a record unless the sink has this version or a later one; one of them is durable when
    /// this returns. Idempotent.
    fn put_if_newer(
        &self,
        context: &QueryContext<'_>,
        key: &ItemKey,
        record: &Record,
    ) -> impl Future<Output = Result<(), BackendError>> + Send;
}

impl BackfillSink for StoreClient {
    async fn is_up_to_date(
        &self,
        context: &QueryContext<'_>,
        key: &ItemKey,
        version: &Version,
    ) -> Result<bool, BackendError> {
        Ok(self.read_version(context, key).await?.as_ref() >= Some(version))
    }

    async fn put_if_newer(
        &self,
        context: &QueryContext<'_>,
        key: &ItemKey,
        record: &Record,
    ) -> Result<(), BackendError> {
        self.put_if_newer(context, key, record).await
    }
}

/// The backfill from one source.
pub(super) struct Backfill<'a, K> {
    pub(super) source: &'a Source,
    pub(super) sink: &'a K,
    pub(super) metrics: &'a MigrationMetrics,
}

impl<K: BackfillSink> Backfill<'_, K> {
    /// Copies every item of the source that the sink does not have. Stops at the first failure,
    /// after retries for as long as a request has. At most one page of versions and
    /// [`CONCURRENT_ITEMS`] values are in memory.
    pub(super) async fn run_pass(&self) -> Result<(), BackendError> {
        self.sink.wait_until_stable().await;
        self.source.progress.start_pass();
        let mut after = None;
        loop {
            let Source { client, collections, .. } = self.source;
            let context = QueryContext::background();
            let page = client.list_page(&context, after.as_deref(), collections).await?;
            let copies = stream::iter(page.items).map(|item| self.copy_item(item));
            copies.buffer_unordered(CONCURRENT_ITEMS).try_collect::<()>().await?;
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }

    /// Copies an item unless the sink is up to date, or the item is damaged.
    async fn copy_item(&self, item: InternalItem) -> Result<(), BackendError> {
        match self.copy_intact_item(item).await {
            // Nothing is lost without an item that cannot be read in the source either.
            Err(BackendError::Damaged(_)) => {
                self.metrics.record_damaged(self.source);
                Ok(())
            }
            outcome => outcome,
        }
    }

    async fn copy_intact_item(&self, item: InternalItem) -> Result<(), BackendError> {
        let InternalItem { key, version, damaged, .. } = item;
        let context = QueryContext::background();
        let is_copied = match &version {
            // Of a damaged item, the version in the list may be older than the one to copy.
            Some(version) if !damaged => !self.sink.is_up_to_date(&context, &key, version).await?,
            _ => true,
        };
        if is_copied {
            let Some(record) = self.source.client.read_item(&context, &key).await? else {
                let message = format!("{key} was listed, but is not there");
                return Err(BackendError::BadReply(message));
            };
            self.sink.put_if_newer(&context, &key, &record).await?;
        }
        self.source.progress.count_item();
        self.metrics.record_item(self.source, is_copied);
        Ok(())
    }
}
