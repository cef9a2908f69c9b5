//! An item in the own store.

use super::{
    ServiceSettings,
    store::{self, Found, Set, StoreClient},
};
use crate::{
    front::{Failure, Request},
    runtime::VersionClock,
};
use maquette_contract::{ItemKey, Record};
use serde_json::Value;

/// How often a write is tried when others write the same item at the same time. Each time one of
/// them wins, so this many writers get through.
const MAX_TRIES: usize = 64;

/// Reads an item.
pub(super) async fn read(
    request: &Request<ServiceSettings>,
    store: &StoreClient,
    key: &ItemKey,
) -> Result<Record, Failure> {
    let found = store::get(request, store, key).await?;
    let Some(Found { record, .. }) = found else {
        return Err(Failure::missing(format!("there is no item {key}")));
    };
    record.map_err(|error| Failure::broken(format!("{key} in the store is no item: {error}")))
}

/// Writes an item: compares and sets, so that versions only grow whoever else writes.
///
/// If a connection is lost after the write was sent, nobody knows whether it took place: the item
/// is read again. A write that comes late after all finds what it compares with gone, because no
/// version ever comes back, and does nothing.
pub(super) async fn write(
    request: &Request<ServiceSettings>,
    store: &StoreClient,
    clock: &VersionClock,
    key: &ItemKey,
    value: Value,
) -> Result<Record, Failure> {
    let mut tried: Vec<(Vec<u8>, Record)> = Vec::new();
    for _ in 0..MAX_TRIES {
        let found = store::get(request, store, key).await?;
        if let Some(done) = landed(&mut tried, found.as_ref()) {
            return Ok(done);
        }
        // What is no record has no version: it is replaced.
        let seen = found.as_ref().and_then(|found| found.record.as_ref().ok());
        let version = clock.after(seen.map(|record| &record.version));
        let record = Record { version, value: value.clone() };
        let bytes = serde_json::to_vec(&record)
            .map_err(|error| Failure::invalid(format!("the value cannot be kept: {error}")))?;
        let before = found.as_ref().map(|found| found.bytes.as_slice());
        match store::set_if(request, store, key, before, &bytes, &record.version).await? {
            Set::Done => return Ok(record),
            Set::Beaten => {}
            Set::Unknown => tried.push((bytes, record)),
        }
    }
    Err(Failure::unavailable(format!("too many others write {key} at the same time")))
}

/// The write of unknown outcome that the store turns out to have.
fn landed(tried: &mut Vec<(Vec<u8>, Record)>, found: Option<&Found>) -> Option<Record> {
    let found = found?;
    let index = tried.iter().position(|(bytes, _)| *bytes == found.bytes)?;
    Some(tried.swap_remove(index).1)
}
