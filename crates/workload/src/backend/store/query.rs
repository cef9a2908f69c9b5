//! A query to a store, retried until its deadline.

use super::client::{AttemptError, StoreClient};
use crate::{
    backend::{BackendError, QueryContext},
    runtime::{RETRY_BACKOFF, wall_millis, whole_micros},
};
use maquette_contract::{ItemKey, Query, Record, RecordError, RecordHead, Version};
use redis::{Cmd, FromRedisValue, cmd};
use tokio::time::{Instant, sleep, timeout_at};

/// The value under an item's key.
#[derive(Debug)]
pub(super) struct StoredItem {
    /// The exact bytes, for compare and set.
    pub(super) bytes: Vec<u8>,
    /// The bytes parsed; users' tools may have written something else than a record.
    pub(super) record: Result<Record, RecordError>,
}

/// The outcome of a conditional write.
#[derive(Debug)]
pub(super) enum SetOutcome {
    /// The record is on disk.
    Written,
    /// The store has another value than expected: a concurrent write was first.
    Conflict,
    /// No reply: the write may have been made, or may still be made.
    Unknown,
}

pub(super) async fn fetch_item(
    context: &QueryContext<'_>,
    store: &StoreClient,
    key: &ItemKey,
) -> Result<Option<StoredItem>, BackendError> {
    let query = cmd("GET").arg(key.to_string()).take();
    let reply = run_read_query(context, store, "GET", &query, describe_value).await?;
    let stored =
        reply.map(|bytes| StoredItem { record: Record::read(&bytes, wall_millis()), bytes });
    match stored.as_ref().map(|stored| &stored.record) {
        Some(Err(error)) => note_damaged(store, key, error),
        Some(Ok(_)) | None => store.edge().damaged.remove(key),
    }
    Ok(stored)
}

/// Notes that an item in the store is damaged.
pub(super) fn note_damaged(store: &StoreClient, key: &ItemKey, error: &RecordError) {
    store.edge().damaged.add(key, store.edge().to().as_str(), error);
}

/// The size and the version of a stored value.
fn describe_value(bytes: &Option<Vec<u8>>) -> (usize, Option<Version>) {
    let Some(bytes) = bytes else { return (0, None) };
    (bytes.len(), RecordHead::parse(bytes).ok().map(|head| head.version))
}

/// Writes an item if the store still holds the bytes `before` under its key, or nothing.
pub(super) async fn compare_and_set(
    context: &QueryContext<'_>,
    store: &StoreClient,
    key: &ItemKey,
    before: Option<&[u8]>,
    record: &Record,
) -> Result<SetOutcome, BackendError> {
    let bytes = serde_json::to_vec(record)
        .map_err(|error| BackendError::Invalid(format!("the value cannot be kept: {error}")))?;
    let mut query = cmd("SET").arg(key.to_string()).arg(bytes).take();
    let name = match before {
        Some(before) => {
            query.arg("IFEQ").arg(before);
            "SET IFEQ"
        }
        None => {
            query.arg("NX");
            "SET NX"
        }
    };
    let reply: Option<Option<()>> =
        run_query(context, store, name, &query, RetryPolicy::IfNotSent, |done: &Option<()>| {
            (0, done.map(|()| record.version.clone()))
        })
        .await?;
    Ok(match reply {
        Some(Some(())) => SetOutcome::Written,
        Some(None) => SetOutcome::Conflict,
        None => SetOutcome::Unknown,
    })
}

/// Runs a query that changes nothing. `describe` gives the bytes and the version of its reply.
pub(super) async fn run_read_query<T: FromRedisValue>(
    context: &QueryContext<'_>,
    store: &StoreClient,
    name: &str,
    query: &Cmd,
    describe: impl Fn(&T) -> (usize, Option<Version>),
) -> Result<T, BackendError> {
    let reply = run_query(context, store, name, query, RetryPolicy::Always, describe).await?;
    reply.ok_or_else(|| BackendError::BadReply("a read query was not retried".to_owned()))
}

/// When to repeat a query.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RetryPolicy {
    /// After each attempt without a reply: the query changes nothing.
    Always,
    /// Only while the store has certainly not seen the query.
    IfNotSent,
}

/// Runs a query, with retries until the deadline, and logs it. None if the store may have seen it
/// and the policy forbids a repeat.
async fn run_query<T: FromRedisValue>(
    context: &QueryContext<'_>,
    store: &StoreClient,
    name: &str,
    query: &Cmd,
    policy: RetryPolicy,
    describe: impl Fn(&T) -> (usize, Option<Version>),
) -> Result<Option<T>, BackendError> {
    let start = Instant::now();
    let (to, address) = (store.edge().to(), store.edge().address());
    let (attempts, reply) = retry_until_deadline(context, store, query, policy).await;
    let outcome = reply.map_err(|error| error.with_context(format_args!("{to} at {address}")));
    let took = start.elapsed();
    let (bytes, version) =
        outcome.as_ref().ok().and_then(Option::as_ref).map_or((0, None), describe);
    (context.log)(Query {
        to: to.to_string(),
        command: name.to_owned(),
        count: attempts,
        bytes: bytes as u64,
        micros: whole_micros(took),
        version,
        error: outcome.as_ref().err().map(BackendError::to_string),
    });
    let failed = !matches!(outcome, Ok(Some(_)));
    if context.request.is_traffic(failed) {
        store.edge().record(took, failed);
    }
    outcome
}

/// The number of attempts, and the outcome of the last one.
async fn retry_until_deadline<T: FromRedisValue>(
    context: &QueryContext<'_>,
    store: &StoreClient,
    query: &Cmd,
    policy: RetryPolicy,
) -> (u32, Result<Option<T>, BackendError>) {
    let deadline = context.deadline();
    let mut backoff = RETRY_BACKOFF;
    let mut last_error = BackendError::DeadlineExceeded("no answer in time".to_owned());
    for attempt in 1.. {
        last_error = match timeout_at(deadline, store.query_once(query)).await {
            Ok(Ok(reply)) => return (attempt, Ok(Some(reply))),
            Ok(Err(AttemptError::Rejected(reason))) => {
                return (attempt, Err(BackendError::BadReply(reason)));
            }
            Ok(Err(AttemptError::OutcomeUnknown(_))) if policy == RetryPolicy::IfNotSent => {
                return (attempt, Ok(None));
            }
            Ok(Err(AttemptError::OutcomeUnknown(reason))) => BackendError::DeadlineExceeded(reason),
            Ok(Err(AttemptError::NotSent(reason))) => BackendError::Unreachable(reason),
            // The error of an earlier attempt has a cause; this one was only cut off.
            Err(_) => return (attempt, Err(last_error)),
        };
        let pause = backoff.next_pause();
        if Instant::now() + pause >= deadline {
            return (attempt, Err(last_error));
        }
        sleep(pause).await;
    }
    (0, Ok(None))
}
