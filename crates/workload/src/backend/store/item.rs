//! An item in a store: compared and set, so that versions only grow whoever else writes.

use super::{
    StoreClient,
    query::{self, SetOutcome, StoredItem},
};
use crate::{
    backend::{QueryContext, VersionFn},
    http::HttpError,
};
use maquette_contract::{ItemKey, Record, Version};
use serde_json::Value;
use std::ops::ControlFlow;

/// How often a write is tried when others write the same item at the same time. Each time one of
/// them wins, so this many writers get through.
const MAX_WRITE_ATTEMPTS: usize = 64;

impl StoreClient {
    /// The item. What is under its key but no record is told.
    ///
    /// # Errors
    /// If the store gives no answer in time, or no record.
    pub(crate) async fn read_item(
        &self,
        asking: &QueryContext<'_>,
        key: &ItemKey,
    ) -> Result<Option<Record>, HttpError> {
        let Some(StoredItem { record, .. }) = query::fetch_item(asking, self, key).await? else {
            return Ok(None);
        };
        let to = self.edge().to();
        let broken =
            |error| HttpError::bad_gateway(format!("{key} in the store {to} is no item: {error}"));
        record.map(Some).map_err(broken)
    }

    /// The item's version. What is no record has none.
    ///
    /// # Errors
    /// If the store gives no answer in time.
    pub(crate) async fn read_version(
        &self,
        asking: &QueryContext<'_>,
        key: &ItemKey,
    ) -> Result<Option<Version>, HttpError> {
        let found = query::fetch_item(asking, self, key).await?;
        Ok(found.and_then(|found| found.record.ok()).map(|record| record.version))
    }

    /// Writes a value, with the version that `next` gives for what it replaces.
    ///
    /// # Errors
    /// If it is not known to be on disk in time.
    pub(crate) async fn write_item(
        &self,
        asking: &QueryContext<'_>,
        key: &ItemKey,
        value: &Value,
        next: VersionFn<'_>,
    ) -> Result<Record, HttpError> {
        let replace = |seen: Option<&Record>| {
            let version = next(seen.map(|record| &record.version));
            ControlFlow::Continue(Record { version, value: value.clone() })
        };
        self.replace_item(asking, key, replace).await
    }

    /// Writes a record unless the store has this version or a later one.
    ///
    /// # Errors
    /// If neither is known to be on disk in time.
    pub(crate) async fn put_if_newer(
        &self,
        asking: &QueryContext<'_>,
        key: &ItemKey,
        record: &Record,
    ) -> Result<(), HttpError> {
        let replace = |seen: Option<&Record>| match seen {
            Some(seen) if seen.version >= record.version => ControlFlow::Break(seen.clone()),
            _ => ControlFlow::Continue(record.clone()),
        };
        self.replace_item(asking, key, replace).await.map(drop)
    }

    /// Replaces what the store has by what `next` goes on with, again and again until nobody was
    /// faster, or `next` leaves it. Gives what the store has then.
    ///
    /// If a connection is lost after the write was sent, nobody knows whether it took place: the
    /// item is read again. A write that comes late after all finds what it compares with gone,
    /// because no version ever comes back, and does nothing.
    async fn replace_item(
        &self,
        asking: &QueryContext<'_>,
        key: &ItemKey,
        next: impl Fn(Option<&Record>) -> ControlFlow<Record, Record>,
    ) -> Result<Record, HttpError> {
        let mut tried = Vec::new();
        for _ in 0..MAX_WRITE_ATTEMPTS {
            let found = query::fetch_item(asking, self, key).await?;
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
            match query::compare_and_set(asking, self, key, before, &record).await? {
                SetOutcome::Written => return Ok(record),
                SetOutcome::Conflict => {}
                SetOutcome::Unknown => tried.push(record.version),
            }
        }
        Err(HttpError::unavailable(format!("too many others write {key} at the same time")))
    }
}
