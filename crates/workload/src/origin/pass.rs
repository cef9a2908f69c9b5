//! One pass of the copy from an origin: everything that it holds, page by page.

use super::{NewHome, Origin, meters::Meters};
use crate::{front::Failure, home::Asking};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use maquette_contract::held::HeldItem;

/// The items that are copied at once.
const AT_ONCE: usize = 16;

/// A copy: from where, to where.
pub(super) struct Copy<'a, H> {
    pub(super) origin: &'a Origin,
    pub(super) new: &'a H,
    pub(super) meters: &'a Meters,
}

impl<H: NewHome> Copy<'_, H> {
    /// Looks at every item of the origin. Ends at the first failure, after it was held for as long
    /// as a request is. No more than a page of versions and a few values are in memory.
    pub(super) async fn pass(&self) -> Result<(), Failure> {
        self.origin.progress.begin();
        let mut after = None;
        loop {
            let Origin { old, kinds, .. } = self.origin;
            let page = old.list(&Asking::unasked(), after.as_deref(), kinds).await?;
            let items = stream::iter(page.items).map(|item| self.item(item));
            items.buffer_unordered(AT_ONCE).try_collect::<()>().await?;
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }

    /// Takes an item over unless the new home has it.
    async fn item(&self, item: HeldItem) -> Result<(), Failure> {
        let HeldItem { key, version } = item;
        let asking = Asking::unasked();
        let copy = !self.new.has(&asking, &key, &version).await?;
        if copy {
            let record = self.origin.old.read(&asking, &key).await?;
            let gone = || Failure::broken(format!("{key} was listed, but is not there"));
            self.new.keep(&asking, &key, &record.ok_or_else(gone)?).await?;
        }
        self.origin.progress.count();
        self.meters.looked_at(self.origin, copy);
        Ok(())
    }
}
