//! An item in a store, written by compare and set: its versions only grow, with any number of
//! concurrent writers.

use super::{
    StoreClient,
    query::{self, SetOutcome, StoredItem},
};
use crate::backend::{
    BackendError, ItemWrite, QueryContext, VersionFn, WriteDecision, WrittenItem,
};
use maquette_contract::{ItemKey, Record, RecordError, Version};
use std::ops::ControlFlow;

/// The attempts of a write that meets concurrent writes of the same item. One writer wins each
/// time, so this many concurrent writers succeed.
const MAX_WRITE_ATTEMPTS: usize = 64;

impl StoreClient {
    /// Reads an item.
    ///
    /// # Errors
    /// If the store gives no answer before the deadline, or the value is no record.
    pub(crate) async fn read_item(
        &self,
        context: &QueryContext<'_>,
        key: &ItemKey,
    ) -> Result<Option<Record>, BackendError> {
        let Some(StoredItem { record, .. }) = query::fetch_item(context, self, key).await? else {
            return Ok(None);
        };
        record.map(Some).map_err(|error| self.damaged_error(key, &error))
    }

    /// Reads an item's version; None for a value that is no record.
    ///
    /// # Errors
    /// If the store gives no answer before the deadline, or the version is too far ahead.
    pub(crate) async fn read_version(
        &self,
        context: &QueryContext<'_>,
        key: &ItemKey,
    ) -> Result<Option<Version>, BackendError> {
        let stored = query::fetch_item(context, self, key).await?;
        Ok(self.current_record(key, stored.as_ref())?.map(|record| record.version.clone()))
    }

    /// The record that a write replaces. A value that is no record has no version: it is replaced.
    /// A record from the future is not: its replacement would be older.
    fn current_record<'a>(
        &self,
        key: &ItemKey,
        stored: Option<&'a StoredItem>,
    ) -> Result<Option<&'a Record>, BackendError> {
        match stored.map(|stored| &stored.record) {
            Some(Ok(record)) => Ok(Some(record)),
            Some(Err(error @ RecordError::Ahead(_))) => Err(self.damaged_error(key, error)),
            Some(Err(RecordError::Format(_))) | None => Ok(None),
        }
    }

    fn damaged_error(&self, key: &ItemKey, error: &RecordError) -> BackendError {
        BackendError::Damaged(format!(
            "{key} in the store {} is damaged: {error}",
            self.edge().to()
        ))
    }

    /// Makes a write, with the version that `next` gives for the one that it replaces.
    ///
    /// # Errors
    /// If the store does not confirm before the deadline that the write is on disk, or if its
    /// precondition does not hold.
    pub(crate) async fn write_item(
        &self,
        context: &QueryContext<'_>,
        key: &ItemKey,
        write: &ItemWrite,
        next: VersionFn<'_>,
    ) -> Result<WrittenItem, BackendError> {
        let is_repeated = context.request.is_repeated;
        self.replace_item(context, key, |current, is_again| match write.apply(current, next) {
            // Its request may be among those that the item no longer remembers.
            WriteDecision::Write(_) | WriteDecision::PreconditionFailed { .. }
                if (is_repeated || is_again)
                    && current.is_some_and(|record| record.requests.is_full()) =>
            {
                ControlFlow::Break(Err(BackendError::unknown_outcome(key)))
            }
            WriteDecision::Write(written) => {
                ControlFlow::Continue((written.record.clone(), written))
            }
            WriteDecision::Repeated(version) => ControlFlow::Break(Ok(write.repeated(version))),
            WriteDecision::PreconditionFailed { current } => {
                ControlFlow::Break(Err(BackendError::precondition_failed(key, current.as_ref())))
            }
        })
        .await
    }

    /// Writes a record unless the store has this version or a later one.
    ///
    /// # Errors
    /// If the store does not confirm before the deadline that either is on disk.
    pub(crate) async fn put_if_newer(
        &self,
        context: &QueryContext<'_>,
        key: &ItemKey,
        record: &Record,
    ) -> Result<(), BackendError> {
        self.replace_item(context, key, |current, _| match current {
            Some(current) if current.version >= record.version => ControlFlow::Break(Ok(())),
            _ => ControlFlow::Continue((record.clone(), ())),
        })
        .await
    }

    /// Compare-and-set loop: retries `next` on the current record until its record is written or it
    /// breaks with a result. After a write without a reply, `next` must recognize its own record;
    /// its second argument is whether there was one.
    async fn replace_item<T>(
        &self,
        context: &QueryContext<'_>,
        key: &ItemKey,
        next: impl Fn(Option<&Record>, bool) -> ControlFlow<Result<T, BackendError>, (Record, T)>,
    ) -> Result<T, BackendError> {
        let mut may_be_written = false;
        for _ in 0..MAX_WRITE_ATTEMPTS {
            let stored = query::fetch_item(context, self, key).await?;
            let current = self.current_record(key, stored.as_ref())?;
            let (record, outcome) = match next(current, may_be_written) {
                ControlFlow::Continue(write) => write,
                ControlFlow::Break(outcome) => return outcome,
            };
            let before = stored.as_ref().map(|stored| stored.bytes.as_slice());
            match query::compare_and_set(context, self, key, before, &record).await? {
                SetOutcome::Written => {
                    self.edge().damaged.remove(key);
                    return Ok(outcome);
                }
                // Unknown: the connection was lost after the write was sent. The item is read
                // again to see whether it was made. A write that arrives even later does nothing:
                // the bytes that it compares with are gone, because no version ever comes back.
                SetOutcome::Unknown => may_be_written = true,
                SetOutcome::Conflict => {}
            }
        }
        Err(BackendError::Unavailable(format!(
            "{key} was not written in {MAX_WRITE_ATTEMPTS} attempts: too many concurrent writes"
        )))
    }
}
