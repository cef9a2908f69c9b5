//! Reading and writing an item that has an old home and a new one.

use super::Source;
use crate::{
    backend::{QueryContext, StoreClient},
    http::HttpError,
    runtime::VersionClock,
};
use maquette_contract::{ItemKey, Record, Version};
use serde_json::Value;

/// The new home of items, as requests for them need it.
pub(crate) trait MigrationTarget: Send + Sync {
    /// The item. No later read finds an older one.
    fn read_item(
        &self,
        asking: &QueryContext<'_>,
        key: &ItemKey,
    ) -> impl Future<Output = Result<Option<Record>, HttpError>> + Send;

    /// A version that is no older than any write that was acknowledged before.
    fn read_version(
        &self,
        asking: &QueryContext<'_>,
        key: &ItemKey,
    ) -> impl Future<Output = Result<Option<Version>, HttpError>> + Send;

    /// Makes it so that it has this record or a later one for sure. Repeating it changes nothing.
    fn put_if_newer(
        &self,
        asking: &QueryContext<'_>,
        key: &ItemKey,
        record: &Record,
    ) -> impl Future<Output = Result<(), HttpError>> + Send;
}

impl MigrationTarget for StoreClient {
    async fn read_item(
        &self,
        asking: &QueryContext<'_>,
        key: &ItemKey,
    ) -> Result<Option<Record>, HttpError> {
        self.read_item(asking, key).await
    }

    async fn read_version(
        &self,
        asking: &QueryContext<'_>,
        key: &ItemKey,
    ) -> Result<Option<Version>, HttpError> {
        self.read_version(asking, key).await
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

impl Source {
    /// Reads an item: the newer one of both homes. It is in the new home before it is answered.
    ///
    /// # Errors
    /// If one of them gives no answer in time: nobody knows then which one is newer.
    pub(crate) async fn read_newest(
        &self,
        new: &impl MigrationTarget,
        asking: &QueryContext<'_>,
        key: &ItemKey,
    ) -> Result<Option<Record>, HttpError> {
        // Both to their end, so that the tree tells of both.
        let (old, here) =
            tokio::join!(self.client.read_item(asking, key), new.read_item(asking, key));
        let (old, here) = (old?, here?);
        match old {
            Some(old) if here.as_ref().is_none_or(|here| here.version < old.version) => {
                new.put_if_newer(asking, key, &old).await?;
                Ok(Some(old))
            }
            _ => Ok(here),
        }
    }

    /// Writes an item, with a version later than that of both homes: first to the old home, which
    /// others may still ask alone, then to the new one.
    ///
    /// # Errors
    /// If it is not known to be in both homes in time. It may then be in the old home: whoever
    /// reads it there sees to it that it is in the new one.
    pub(crate) async fn write_both(
        &self,
        new: &impl MigrationTarget,
        clock: &VersionClock,
        asking: &QueryContext<'_>,
        key: &ItemKey,
        value: &Value,
    ) -> Result<Record, HttpError> {
        let here = new.read_version(asking, key).await?;
        let next = |seen: Option<&Version>| clock.next_version(seen.max(here.as_ref()));
        let record = self.client.write_item(asking, key, value, &next).await?;
        new.put_if_newer(asking, key, &record).await?;
        Ok(record)
    }
}
