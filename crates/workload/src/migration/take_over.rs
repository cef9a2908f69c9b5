//! Reading and writing an item that has an old home and a new one.

use super::Origin;
use crate::{
    backend::{Asking, StoreClient},
    http::Failure,
    runtime::VersionClock,
};
use maquette_contract::{ItemKey, Record, Version};
use serde_json::Value;

/// The new home of items, as requests for them need it.
pub(crate) trait NewHome: Send + Sync {
    /// The item. No later read finds an older one.
    fn read(
        &self,
        asking: &Asking<'_>,
        key: &ItemKey,
    ) -> impl Future<Output = Result<Option<Record>, Failure>> + Send;

    /// A version that is no older than any write that was acknowledged before.
    fn version(
        &self,
        asking: &Asking<'_>,
        key: &ItemKey,
    ) -> impl Future<Output = Result<Option<Version>, Failure>> + Send;

    /// Makes it so that it has this record or a later one for sure. Repeating it changes nothing.
    fn keep(
        &self,
        asking: &Asking<'_>,
        key: &ItemKey,
        record: &Record,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}

impl NewHome for StoreClient {
    async fn read(&self, asking: &Asking<'_>, key: &ItemKey) -> Result<Option<Record>, Failure> {
        self.read(asking, key).await
    }

    async fn version(
        &self,
        asking: &Asking<'_>,
        key: &ItemKey,
    ) -> Result<Option<Version>, Failure> {
        self.version(asking, key).await
    }

    async fn keep(
        &self,
        asking: &Asking<'_>,
        key: &ItemKey,
        record: &Record,
    ) -> Result<(), Failure> {
        self.keep(asking, key, record).await
    }
}

impl Origin {
    /// Reads an item: the newer one of both homes. It is in the new home before it is answered.
    ///
    /// # Errors
    /// If one of them gives no answer in time: nobody knows then which one is newer.
    pub(crate) async fn read(
        &self,
        new: &impl NewHome,
        asking: &Asking<'_>,
        key: &ItemKey,
    ) -> Result<Option<Record>, Failure> {
        // Both to their end, so that the tree tells of both.
        let (old, here) = tokio::join!(self.old.read(asking, key), new.read(asking, key));
        let (old, here) = (old?, here?);
        match old {
            Some(old) if here.as_ref().is_none_or(|here| here.version < old.version) => {
                new.keep(asking, key, &old).await?;
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
    pub(crate) async fn write(
        &self,
        new: &impl NewHome,
        clock: &VersionClock,
        asking: &Asking<'_>,
        key: &ItemKey,
        value: &Value,
    ) -> Result<Record, Failure> {
        let here = new.version(asking, key).await?;
        let next = |seen: Option<&Version>| clock.after(seen.max(here.as_ref()));
        let record = self.old.write(asking, key, value, &next).await?;
        new.keep(asking, key, &record).await?;
        Ok(record)
    }
}
