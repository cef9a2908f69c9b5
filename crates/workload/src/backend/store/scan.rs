//! The items of a store: page by page, so that neither side holds much at once.

use super::{StoreClient, query::read};
use crate::{
    backend::{Asking, Wanted},
    http::Failure,
};
use maquette_contract::{
    ItemKey, Summary, Version,
    internal_api::{InternalItem, InternalPage},
};
use redis::cmd;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The items of a page.
const PAGE: usize = 200;
/// The values that are in memory at once; each may take some hundred KiB.
const AT_ONCE: usize = 32;
/// The most items that a summary looks at.
const MOST: usize = 10_000;

/// Items and where the next page begins; 0 after the last one. What is under no item's key, or is
/// no record, is not an item.
struct Page {
    next: u64,
    looked_at: usize,
    items: Vec<(ItemKey, Seen)>,
}

/// What is looked at of a record: its value is not parsed, which may take many times its size.
struct Seen {
    version: Version,
    /// The size of the value.
    bytes: u64,
}

impl Seen {
    fn parse(bytes: &[u8]) -> Option<Self> {
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
    pub(crate) async fn summary(
        &self,
        asking: &Asking<'_>,
        wanted: Wanted<'_>,
    ) -> Result<Summary, Failure> {
        let mut summary = Summary::default();
        let mut cursor = 0;
        let mut looked_at = 0;
        loop {
            let page = page(asking, self, cursor, wanted).await?;
            looked_at += page.looked_at;
            page.items.into_iter().for_each(|(key, seen)| add(&mut summary, key, seen));
            if page.next == 0 {
                return Ok(summary);
            }
            if looked_at >= MOST {
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
    pub(crate) async fn list(
        &self,
        asking: &Asking<'_>,
        after: Option<&str>,
        wanted: Wanted<'_>,
    ) -> Result<InternalPage, Failure> {
        let cursor = after.map_or(Ok(0), str::parse);
        let cursor = cursor
            .map_err(|_| Failure::broken("a store's page begins after a number, nothing else"))?;
        let page = page(asking, self, cursor, wanted).await?;
        let item = |(key, seen): (ItemKey, Seen)| InternalItem { key, version: seen.version };
        let next = (page.next != 0).then(|| page.next.to_string());
        Ok(InternalPage { items: page.items.into_iter().map(item).collect(), next })
    }
}

async fn page(
    asking: &Asking<'_>,
    store: &StoreClient,
    cursor: u64,
    wanted: Wanted<'_>,
) -> Result<Page, Failure> {
    let (next, looked_at, keys) = keys(asking, store, cursor, wanted).await?;
    let mut items = vec![];
    for keys in keys.chunks(AT_ONCE) {
        let values = values(asking, store, keys).await?;
        let seen = keys.iter().zip(values);
        items.extend(seen.filter_map(|(key, bytes)| Some((key.clone(), Seen::parse(&bytes?)?))));
    }
    Ok(Page { next, looked_at, items })
}

/// Where the next page begins, how many keys are on this one, and those of wanted items.
async fn keys(
    asking: &Asking<'_>,
    store: &StoreClient,
    cursor: u64,
    wanted: Wanted<'_>,
) -> Result<(u64, usize, Vec<ItemKey>), Failure> {
    type Keys = (u64, Vec<Vec<u8>>);
    let query = cmd("SCAN").arg(cursor).arg("COUNT").arg(PAGE).take();
    let size = |(_, keys): &Keys| (keys.iter().map(Vec::len).sum(), None);
    let (next, keys): Keys = read(asking, store, "SCAN", &query, size).await?;
    let items = keys.iter().filter_map(|key| ItemKey::parse(std::str::from_utf8(key).ok()?));
    Ok((next, keys.len(), items.filter(|key| wanted(&key.collection)).collect()))
}

async fn values(
    asking: &Asking<'_>,
    store: &StoreClient,
    keys: &[ItemKey],
) -> Result<Vec<Option<Vec<u8>>>, Failure> {
    let mut query = cmd("MGET");
    for key in keys {
        query.arg(key.to_string());
    }
    let size = |values: &Vec<Option<Vec<u8>>>| (values.iter().flatten().map(Vec::len).sum(), None);
    read(asking, store, "MGET", &query, size).await
}

fn add(summary: &mut Summary, key: ItemKey, Seen { version, bytes }: Seen) {
    let collection = summary.collections.entry(key.collection).or_default();
    collection.items += 1;
    collection.bytes += bytes;
    collection.newest = collection.newest.take().max(Some(version));
}
