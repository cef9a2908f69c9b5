//! A page of a collection in a store, for users.

use super::{
    StoreClient,
    scan::{StorePage, scan_page},
};
use crate::{
    backend::{BackendError, QueryContext},
    storage::Position,
};
use maquette_contract::{Collection, ItemPage, PageItem};

/// The most keys that one `SCAN` examines.
const MAX_SCAN: usize = 200;
/// The scans of a page; it may have fewer items than were requested where the store holds many of
/// other collections.
const MAX_SCANS: usize = 32;

impl StoreClient {
    /// The first page of a collection, or the one that starts at `after`, the `next` of the page
    /// before. It has at most `limit` items.
    ///
    /// # Errors
    /// If the store gives no answer before the deadline, or the cursor is none of its own.
    pub(crate) async fn list_collection(
        &self,
        context: &QueryContext<'_>,
        collection: &Collection,
        limit: usize,
        after: Option<&str>,
    ) -> Result<ItemPage, BackendError> {
        let mut cursor = after.map_or(Ok(0), parse_cursor)?;
        let mut page = ItemPage { collection: collection.clone(), items: vec![], next: None };
        for _ in 0..MAX_SCANS {
            let count = (limit - page.items.len()).min(MAX_SCAN);
            let filter = |other: &Collection| other == collection;
            let StorePage { next, items, .. } =
                scan_page(context, self, cursor, count, &filter).await?;
            let existing = items.into_iter().filter(|(_, head)| head.value_bytes.is_some());
            page.items
                .extend(existing.map(|(key, head)| PageItem { id: key.id, version: head.version }));
            page.next = (next != 0).then(|| next.to_string());
            if next == 0 || page.items.len() >= limit {
                break;
            }
            cursor = next;
        }
        Ok(page)
    }
}

/// The cursor that a user gives. A store's error for one that is out of range would count as a failure
/// of the model.
fn parse_cursor(after: &str) -> Result<u64, BackendError> {
    let position = after.parse().ok().and_then(Position::new);
    position.map(Position::get).ok_or_else(|| {
        BackendError::Invalid(format!(
            "after={after:?} is not the cursor of a page; start again without one"
        ))
    })
}
