//! The items of a store: page by page, so that neither side holds much at once.

use super::{StoreClient, query::run_read_query};
use crate::{
    backend::{CollectionFilter, QueryContext},
    http::HttpError,
};
use maquette_contract::{
    ItemKey, Summary, Version,
    internal_api::{InternalItem, InternalPage},
};
use redis::cmd;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The items of a page.
const PAGE_SIZE: usize = 200;
/// The values that are in memory at once; each may take some hundred KiB.
const VALUES_PER_QUERY: usize = 32;
/// The most items that a summary looks at.
const MAX_SUMMARY_ITEMS: usize = 10_000;

/// Items and where the next page begins; 0 after the last one. What is under no item's key, or is
/// no record, is not an item.
struct StorePage {
    next: u64,
    scanned: usize,
    items: Vec<(ItemKey, RecordMeta)>,
}

/// What is looked at of a record: its value is not parsed, which may take many times its size.
struct RecordMeta {
    version: Version,
    /// The size of the value.
    bytes: u64,
}

impl RecordMeta {
    fn from_json(bytes: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Kept<'a> {
            version: Version,
            #[serde(borrow)]
            value: &'a RawValue,
        }
        let Kept { version, value } = serde_json::from_slice(bytes).ok()?;
        Some(Self { version, bytes: value.get().len() as u64 })
    }
}

impl StoreClient {
    /// Adds up the items of each collection that is wanted.
    ///
    /// # Errors
    /// If the store gives no answer in time.
    pub(crate) async fn summarize(
        &self,
        asking: &QueryContext<'_>,
        wanted: CollectionFilter<'_>,
    ) -> Result<Summary, HttpError> {
        let mut summary = Summary::default();
        let mut cursor = 0;
        let mut looked_at = 0;
        loop {
            let page = scan_page(asking, self, cursor, wanted).await?;
            looked_at += page.scanned;
            page.items.into_iter().for_each(|(key, seen)| add_item(&mut summary, key, seen));
            if page.next == 0 {
                return Ok(summary);
            }
            if looked_at >= MAX_SUMMARY_ITEMS {
                summary.truncated = true;
                return Ok(summary);
            }
            cursor = page.next;
        }
    }

    /// A page of the items of the collections that are wanted: the first one, or that which begins
    /// `after` the one before, as that says.
    ///
    /// # Errors
    /// If the store gives no answer in time.
    pub(crate) async fn list_page(
        &self,
        asking: &QueryContext<'_>,
        after: Option<&str>,
        wanted: CollectionFilter<'_>,
    ) -> Result<InternalPage, HttpError> {
        let cursor = after.map_or(Ok(0), str::parse);
        let cursor = cursor.map_err(|_| {
            HttpError::bad_gateway("a store's page begins after a number, nothing else")
        })?;
        let page = scan_page(asking, self, cursor, wanted).await?;
        let item = |(key, seen): (ItemKey, RecordMeta)| InternalItem { key, version: seen.version };
        let next = (page.next != 0).then(|| page.next.to_string());
        Ok(InternalPage { items: page.items.into_iter().map(item).collect(), next })
    }
}

async fn scan_page(
    asking: &QueryContext<'_>,
    store: &StoreClient,
    cursor: u64,
    wanted: CollectionFilter<'_>,
) -> Result<StorePage, HttpError> {
    let (next, looked_at, keys) = scan_keys(asking, store, cursor, wanted).await?;
    let mut items = vec![];
    for keys in keys.chunks(VALUES_PER_QUERY) {
        let values = fetch_values(asking, store, keys).await?;
        let seen = keys.iter().zip(values);
        items.extend(
            seen.filter_map(|(key, bytes)| Some((key.clone(), RecordMeta::from_json(&bytes?)?))),
        );
    }
    Ok(StorePage { next, scanned: looked_at, items })
}

/// Where the next page begins, how many keys are on this one, and those of wanted items.
async fn scan_keys(
    asking: &QueryContext<'_>,
    store: &StoreClient,
    cursor: u64,
    wanted: CollectionFilter<'_>,
) -> Result<(u64, usize, Vec<ItemKey>), HttpError> {
    type Keys = (u64, Vec<Vec<u8>>);
    let query = cmd("SCAN").arg(cursor).arg("COUNT").arg(PAGE_SIZE).take();
    let size = |(_, keys): &Keys| (keys.iter().map(Vec::len).sum(), None);
    let (next, keys): Keys = run_read_query(asking, store, "SCAN", &query, size).await?;
    let items = keys.iter().filter_map(|key| ItemKey::parse(std::str::from_utf8(key).ok()?));
    Ok((next, keys.len(), items.filter(|key| wanted(&key.collection)).collect()))
}

async fn fetch_values(
    asking: &QueryContext<'_>,
    store: &StoreClient,
    keys: &[ItemKey],
) -> Result<Vec<Option<Vec<u8>>>, HttpError> {
    let mut query = cmd("MGET");
    for key in keys {
        query.arg(key.to_string());
    }
    let size = |values: &Vec<Option<Vec<u8>>>| (values.iter().flatten().map(Vec::len).sum(), None);
    run_read_query(asking, store, "MGET", &query, size).await
}

fn add_item(summary: &mut Summary, key: ItemKey, RecordMeta { version, bytes }: RecordMeta) {
    let collection = summary.collections.entry(key.collection).or_default();
    collection.items += 1;
    collection.bytes += bytes;
    collection.newest = collection.newest.take().max(Some(version));
}
