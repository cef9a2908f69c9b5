//! An item in a store: compared and set, so that versions only grow whoever else writes.

use super::{
    StoreClient,
    query::{self, Found, Set},
};
use crate::{
    backend::{Asking, NextVersion},
    http::Failure,
};
use maquette_contract::{ItemKey, Record, Version};
use serde_json::Value;
use std::ops::ControlFlow;

/// How often a write is tried when others write the same item at the same time. Each time one of
/// them wins, so this many writers get through.
const MAX_TRIES: usize = 64;

impl StoreClient {
    /// The item. What is under its key but no record is told.
    ///
    /// # Errors
    /// If the store gives no answer in time, or no record.
    pub(crate) async fn read(
        &self,
        asking: &Asking<'_>,
        key: &ItemKey,
    ) -> Result<Option<Record>, Failure> {
        let Some(Found { record, .. }) = query::get(asking, self, key).await? else {
            return Ok(None);
        };
        let to = self.edge().to();
        let broken =
            |error| Failure::broken(format!("{key} in the store {to} is no item: {error}"));
        record.map(Some).map_err(broken)
    }

    /// The item's version. What is no record has none.
    ///
    /// # Errors
    /// If the store gives no answer in time.
    pub(crate) async fn version(
        &self,
        asking: &Asking<'_>,
        key: &ItemKey,
    ) -> Result<Option<Version>, Failure> {
        let found = query::get(asking, self, key).await?;
        Ok(found.and_then(|found| found.record.ok()).map(|record| record.version))
    }

    /// Writes a value, with the version that `next` gives for what it replaces.
    ///
    /// # Errors
    /// If it is not known to be on disk in time.
    pub(crate) async fn write(
        &self,
        asking: &Asking<'_>,
        key: &ItemKey,
        value: &Value,
        next: NextVersion<'_>,
    ) -> Result<Record, Failure> {
        let replace = |seen: Option<&Record>| {
            let version = next(seen.map(|record| &record.version));
            ControlFlow::Continue(Record { version, value: value.clone() })
        };
        self.replace(asking, key, replace).await
    }

    /// Writes a record unless the store has this version or a later one.
    ///
    /// # Errors
    /// If neither is known to be on disk in time.
    pub(crate) async fn keep(
        &self,
        asking: &Asking<'_>,
        key: &ItemKey,
        record: &Record,
    ) -> Result<(), Failure> {
        let replace = |seen: Option<&Record>| match seen {
            Some(seen) if seen.version >= record.version => ControlFlow::Break(seen.clone()),
            _ => ControlFlow::Continue(record.clone()),
        };
        self.replace(asking, key, replace).await.map(drop)
    }

    /// Replaces what the store has by what `next` goes on with, again and again until nobody was
    /// faster, or `next` leaves it. Gives what the store has then.
    ///
    /// If a connection is lost after the write was sent, nobody knows whether it took place: the
    /// item is read again. A write that comes late after all finds what it compares with gone,
    /// because no version ever comes back, and does nothing.
    async fn replace(
        &self,
        asking: &Asking<'_>,
        key: &ItemKey,
        next: impl Fn(Option<&Record>) -> ControlFlow<Record, Record>,
    ) -> Result<Record, Failure> {
        let mut tried = Vec::new();
        for _ in 0..MAX_TRIES {
            let found = query::get(asking, self, key).await?;
            // What is no record has no version: it is replaced.
            let seen = found.as_ref().and_then(|found| found.record.as_ref().ok());
            if let Some(landed) = seen.filter(|seen| tried.contains(&seen.version)) {
                return Ok(landed.clone());
            }
            let record = match next(seen) {
                ControlFlow::Continue(record) => record,
                ControlFlow::Break(stands) => return Ok(stands),
            };
            let before = found.as_ref().map(|found| found.bytes.as_slice());
            match query::set_if(asking, self, key, before, &record).await? {
                Set::Done => return Ok(record),
                Set::Beaten => {}
                Set::Unknown => tried.push(record.version),
            }
        }
        Err(Failure::unavailable(format!("too many others write {key} at the same time")))
    }
}
