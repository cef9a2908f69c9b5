//! One pass of the copy from an origin: everything that it holds, page by page.

use super::{Origin, meters::Meters};
use crate::{
    backend::{Asking, StoreClient},
    http::Failure,
};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use maquette_contract::{ItemKey, Record, Version, internal_api::InternalItem};

/// The items that are copied at once.
const AT_ONCE: usize = 16;

/// Where a copy goes: the part of the new home that this pod sees to.
pub(crate) trait Destination: Send + Sync {
    /// Ends once it is settled which items are to be there, and stays so under this configuration.
    fn settled(&self) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// Whether nothing is to be done about an item: this version of it or a later one is there for
    /// sure, or the item is not to be there.
    fn has(
        &self,
        asking: &Asking<'_>,
        key: &ItemKey,
        version: &Version,
    ) -> impl Future<Output = Result<bool, Failure>> + Send;

    /// Makes it so that this record or a later one is there for sure. Repeating it changes nothing.
    fn keep(
        &self,
        asking: &Asking<'_>,
        key: &ItemKey,
        record: &Record,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}

impl Destination for StoreClient {
    async fn has(
        &self,
        asking: &Asking<'_>,
        key: &ItemKey,
        version: &Version,
    ) -> Result<bool, Failure> {
        Ok(self.version(asking, key).await?.as_ref() >= Some(version))
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

/// A copy: from where, to where.
pub(super) struct Copy<'a, H> {
    pub(super) origin: &'a Origin,
    pub(super) to: &'a H,
    pub(super) meters: &'a Meters,
}

impl<H: Destination> Copy<'_, H> {
    /// Looks at every item of the origin. Ends at the first failure, after it was held for as long
    /// as a request is. No more than a page of versions and a few values are in memory.
    pub(super) async fn pass(&self) -> Result<(), Failure> {
        self.to.settled().await;
        self.origin.progress.begin();
        let mut after = None;
        loop {
            let Origin { old, collections, .. } = self.origin;
            let page = old.list(&Asking::unasked(), after.as_deref(), collections).await?;
            let items = stream::iter(page.items).map(|item| self.item(item));
            items.buffer_unordered(AT_ONCE).try_collect::<()>().await?;
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }

    /// Takes an item over unless the new home has it.
    async fn item(&self, item: InternalItem) -> Result<(), Failure> {
        let InternalItem { key, version } = item;
        let asking = Asking::unasked();
        let copy = !self.to.has(&asking, &key, &version).await?;
        if copy {
            let record = self.origin.old.read(&asking, &key).await?;
            let gone = || Failure::broken(format!("{key} was listed, but is not there"));
            self.to.keep(&asking, &key, &record.ok_or_else(gone)?).await?;
        }
        self.origin.progress.count();
        self.meters.looked_at(self.origin, copy);
        Ok(())
    }
}
