//! Reads and writes an item that has a migration source and a target.

use super::Source;
use crate::{
    backend::{BackendError, ItemWrite, QueryContext, StoreClient, WrittenItem},
    runtime::VersionClock,
};
use maquette_contract::{Collection, ItemKey, ItemPage, Record, Version};

/// The backend that items are migrated to, as requests use it.
pub(crate) trait MigrationTarget: Send + Sync {
    /// Reads an item. No later read returns an older version.
    fn read_item(
        &self,
        context: &QueryContext<'_>,
        key: &ItemKey,
    ) -> impl Future<Output = Result<Option<Record>, BackendError>> + Send;

    /// A version no older than any write that was acknowledged before.
    fn read_version(
        &self,
        context: &QueryContext<'_>,
        key: &ItemKey,
    ) -> impl Future<Output = Result<Option<Version>, BackendError>> + Send;

    /// Writes a record unless the target has this version or a later one; one of them is durable
    /// when this returns. Idempotent.
    fn put_if_newer(
        &self,
        context: &QueryContext<'_>,
        key: &ItemKey,
        record: &Record,
    ) -> impl Future<Output = Result<(), BackendError>> + Send;
}

impl MigrationTarget for StoreClient {
    async fn read_item(
        &self,
        context: &QueryContext<'_>,
        key: &ItemKey,
    ) -> Result<Option<Record>, BackendError> {
        self.read_item(context, key).await
    }

    async fn read_version(
        &self,
        context: &QueryContext<'_>,
        key: &ItemKey,
    ) -> Result<Option<Version>, BackendError> {
        self.read_version(context, key).await
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

impl Source {
    /// Reads an item: the newer one of source and target. It is in the target when this returns.
    ///
    /// # Errors
    /// If either gives no answer before the deadline: the other's item may be outdated.
    pub(crate) async fn read_newest(
        &self,
        target: &impl MigrationTarget,
        context: &QueryContext<'_>,
        key: &ItemKey,
    ) -> Result<Option<Record>, BackendError> {
        // `join!` and not `try_join!`: the tree shows both queries even if one fails.
        let (in_source, in_target) =
            tokio::join!(self.client.read_item(context, key), target.read_item(context, key));
        match (in_source?, in_target?) {
            (Some(old), Some(new)) if new.version >= old.version => Ok(Some(new)),
            (Some(old), _) => {
                target.put_if_newer(context, key, &old).await?;
                Ok(Some(old))
            }
            (None, new) => Ok(new),
        }
    }

    /// A page of a collection, from the source: it has every acknowledged write.
    ///
    /// # Errors
    /// If the source gives no answer before the deadline.
    pub(crate) async fn list_collection(
        &self,
        context: &QueryContext<'_>,
        collection: &Collection,
        limit: usize,
        after: Option<&str>,
    ) -> Result<ItemPage, BackendError> {
        self.client.list_collection(context, collection, limit, after).await
    }

    /// Writes an item, with a version later than those in source and target: first to the source,
    /// which other components may still use alone, then to the target.
    ///
    /// # Errors
    /// If either does not confirm the write before the deadline. It may then be in the source
    /// alone; [`Source::read_newest`] copies it to the target before it returns it.
    pub(crate) async fn write_both(
        &self,
        target: &impl MigrationTarget,
        clock: &VersionClock,
        context: &QueryContext<'_>,
        key: &ItemKey,
        write: &ItemWrite,
    ) -> Result<WrittenItem, BackendError> {
        let in_target = target.read_version(context, key).await?;
        let written = self
            .client
            .write_item(context, key, write, &|in_source| {
                clock.next_version(in_source.max(in_target.as_ref()))
            })
            .await?;
        target.put_if_newer(context, key, &written.record).await?;
        Ok(written)
    }
}
