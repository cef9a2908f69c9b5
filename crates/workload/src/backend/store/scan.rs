//! The items of a store, page by page: neither side holds more than one page in memory.

use super::{
    StoreClient,
    query::{note_damaged, run_read_query},
};
use crate::{
    backend::{BackendError, CollectionFilter, QueryContext},
    runtime::wall_millis,
};
use maquette_contract::{
    ItemKey, RecordHead, Summary,
    internal_api::{InternalItem, InternalPage},
};
use redis::cmd;

/// The keys of a page, about: `COUNT` is a hint.
const PAGE_SIZE: usize = 200;
/// The values in memory at once; each may have some hundred KiB.
const VALUES_PER_QUERY: usize = 32;
/// The keys that a summary scans before it is truncated.
const MAX_SUMMARY_ITEMS: usize = 10_000;

/// The cursor of the next page (0 after the last one), and the keys of this one.
type ScanReply = (u64, Vec<Vec<u8>>);

/// The items of a page. Keys of another form are not items.
pub(super) struct StorePage {
    /// The cursor of the next page; 0 after the last one.
    pub(super) next: u64,
    /// The number of keys, items or not.
    scanned: usize,
    pub(super) items: Vec<(ItemKey, RecordHead)>,
    /// Keys of items whose values are not records, or from the future.
    damaged: Vec<ItemKey>,
}

impl StoreClient {
    /// Adds up the items of each collection that the filter includes.
    ///
    /// # Errors
    /// If the store gives no answer before the deadline.
    pub(crate) async fn summarize(
        &self,
        context: &QueryContext<'_>,
        filter: CollectionFilter<'_>,
    ) -> Result<Summary, BackendError> {
        let mut summary = Summary::default();
        let mut cursor = 0;
        let mut scanned = 0;
        loop {
            let page = scan_page(context, self, cursor, PAGE_SIZE, filter).await?;
            scanned += page.scanned;
            page.items.into_iter().for_each(|(key, head)| add_item(&mut summary, key, head));
            if page.next == 0 {
                return Ok(summary);
            }
            if scanned >= MAX_SUMMARY_ITEMS {
                summary.truncated = true;
                return Ok(summary);
            }
            cursor = page.next;
        }
    }

    /// A page of the items of the collections that the filter includes: the first page, or the one
    /// that starts at `after`, the `next` of the page before.
    ///
    /// # Errors
    /// If the store gives no answer before the deadline.
    pub(crate) async fn list_page(
        &self,
        context: &QueryContext<'_>,
        after: Option<&str>,
        filter: CollectionFilter<'_>,
    ) -> Result<InternalPage, BackendError> {
        let cursor = after.map_or(Ok(0), str::parse).map_err(|_| {
            BackendError::BadReply("the cursor of a store's page must be a number".to_owned())
        })?;
        let StorePage { next, items, damaged, .. } =
            scan_page(context, self, cursor, PAGE_SIZE, filter).await?;
        let intact = items.into_iter().map(|(key, head)| InternalItem {
            key,
            version: Some(head.version),
            deleted: head.value_bytes.is_none(),
            damaged: false,
        });
        let damaged = damaged.into_iter().map(|key| InternalItem {
            key,
            version: None,
            deleted: false,
            damaged: true,
        });
        Ok(InternalPage {
            items: intact.chain(damaged).collect(),
            next: (next != 0).then(|| next.to_string()),
        })
    }
}

/// `count` keys are examined.
pub(super) async fn scan_page(
    context: &QueryContext<'_>,
    store: &StoreClient,
    cursor: u64,
    count: usize,
    filter: CollectionFilter<'_>,
) -> Result<StorePage, BackendError> {
    let (next, keys) = scan_keys(context, store, cursor, count).await?;
    let included: Vec<_> = keys
        .iter()
        .filter_map(|key| ItemKey::parse(std::str::from_utf8(key).ok()?))
        .filter(|key| filter(&key.collection))
        .collect();
    let mut page = StorePage { next, scanned: keys.len(), items: vec![], damaged: vec![] };
    for chunk in included.chunks(VALUES_PER_QUERY) {
        let values = fetch_values(context, store, chunk).await?;
        for (key, value) in chunk.iter().zip(values) {
            let Some(value) = value else { continue };
            match RecordHead::read(&value, wall_millis()) {
                Ok(head) => {
                    store.edge().damaged.remove(key);
                    page.items.push((key.clone(), head));
                }
                Err(error) => {
                    note_damaged(store, key, &error);
                    page.damaged.push(key.clone());
                }
            }
        }
    }
    Ok(page)
}

async fn scan_keys(
    context: &QueryContext<'_>,
    store: &StoreClient,
    cursor: u64,
    count: usize,
) -> Result<ScanReply, BackendError> {
    let query = cmd("SCAN").arg(cursor).arg("COUNT").arg(count).take();
    run_read_query(context, store, "SCAN", &query, |(_, keys): &ScanReply| {
        (keys.iter().map(Vec::len).sum(), None)
    })
    .await
}

async fn fetch_values(
    context: &QueryContext<'_>,
    store: &StoreClient,
    keys: &[ItemKey],
) -> Result<Vec<Option<Vec<u8>>>, BackendError> {
    let mut query = cmd("MGET");
    for key in keys {
        query.arg(key.to_string());
    }
    run_read_query(context, store, "MGET", &query, |values: &Vec<Option<Vec<u8>>>| {
        (values.iter().flatten().map(Vec::len).sum(), None)
    })
    .await
}

fn add_item(summary: &mut Summary, key: ItemKey, head: RecordHead) {
    // A deleted item is not counted.
    let Some(bytes) = head.value_bytes else { return };
    let collection = summary.collections.entry(key.collection).or_default();
    collection.items += 1;
    collection.bytes += bytes;
    collection.newest = collection.newest.take().max(Some(head.version));
}
