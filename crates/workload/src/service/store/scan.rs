//! The summary of a store: page by page, so that neither side holds much at once.

use super::{StoreClient, query::read};
use crate::{
    front::{Failure, Request},
    service::ServiceSettings,
};
use maquette_contract::{ItemKey, Record, Summary};
use redis::cmd;

/// The items of a page.
const PAGE: usize = 200;
/// The most items that a summary looks at.
const MOST: usize = 10_000;

/// Adds up, for each kind that this service owns, the items in its store.
///
/// What is under no item's key, or is no record, is not an item; nor is what is left of a kind that
/// another service owns by now.
pub(crate) async fn summary(
    request: &Request<ServiceSettings>,
    store: &StoreClient,
) -> Result<Summary, Failure> {
    let mut summary = Summary::default();
    let mut cursor = 0;
    let mut looked_at = 0;
    loop {
        let (next, keys) = page(request, store, cursor).await?;
        looked_at += keys.len();
        if !keys.is_empty() {
            let records = records(request, store, &keys).await?;
            keys.into_iter().zip(records).for_each(|(key, record)| add(&mut summary, key, record));
        }
        if next == 0 {
            return Ok(summary);
        }
        if looked_at >= MOST {
            summary.truncated = true;
            return Ok(summary);
        }
        cursor = next;
    }
}

/// The keys of a page that are of items that this service owns, and where the next page begins.
async fn page(
    request: &Request<ServiceSettings>,
    store: &StoreClient,
    cursor: u64,
) -> Result<(u64, Vec<ItemKey>), Failure> {
    type Page = (u64, Vec<Vec<u8>>);
    let query = cmd("SCAN").arg(cursor).arg("COUNT").arg(PAGE).take();
    let size = |(_, keys): &Page| (keys.iter().map(Vec::len).sum(), None);
    let (next, keys): Page = read(request, store, "SCAN", &query, size).await?;
    let keys = keys.iter().filter_map(|key| ItemKey::parse(std::str::from_utf8(key).ok()?));
    Ok((next, keys.filter(|key| request.settings.owns(&key.kind)).collect()))
}

async fn records(
    request: &Request<ServiceSettings>,
    store: &StoreClient,
    keys: &[ItemKey],
) -> Result<Vec<Option<Vec<u8>>>, Failure> {
    let mut query = cmd("MGET");
    for key in keys {
        query.arg(key.to_string());
    }
    let size = |values: &Vec<Option<Vec<u8>>>| (values.iter().flatten().map(Vec::len).sum(), None);
    read(request, store, "MGET", &query, size).await
}

fn add(summary: &mut Summary, key: ItemKey, record: Option<Vec<u8>>) {
    let record = record.and_then(|bytes| serde_json::from_slice::<Record>(&bytes).ok());
    let Some(Record { version, value }) = record else { return };
    let kind = summary.kinds.entry(key.kind).or_default();
    kind.items += 1;
    kind.bytes += value.to_string().len() as u64;
    kind.newest = kind.newest.take().max(Some(version));
}
