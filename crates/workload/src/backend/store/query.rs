//! A query, held and made again while the store cannot be reached.

use super::client::{AttemptError, StoreClient};
use crate::{backend::QueryContext, http::HttpError, runtime::RETRY_BACKOFF};
use maquette_contract::{ItemKey, Query, Record, Version};
use redis::{Cmd, FromRedisValue, cmd};
use tokio::time::{Instant, sleep, timeout_at};

/// What a store holds under an item's key.
#[derive(Debug)]
pub(super) struct StoredItem {
    /// As it is stored.
    pub(super) bytes: Vec<u8>,
    /// What it says, if it is a record.
    pub(super) record: Result<Record, serde_json::Error>,
}

/// How a conditional write ended.
#[derive(Debug)]
pub(super) enum SetOutcome {
    /// It is on disk.
    Written,
    /// The item was not as expected: somebody else was first.
    Conflict,
    /// No answer came: it may have taken place or not, or still will.
    Unknown,
}

/// Reads an item.
pub(super) async fn fetch_item(
    asking: &QueryContext<'_>,
    store: &StoreClient,
    key: &ItemKey,
) -> Result<Option<StoredItem>, HttpError> {
    let query = cmd("GET").arg(key.to_string()).take();
    let bytes: Option<Vec<u8>> =
        run_read_query(asking, store, "GET", &query, |bytes: &Option<Vec<u8>>| {
            let version =
                bytes.as_ref().and_then(|bytes| parse_record(bytes).ok()).map(|r| r.version);
            (bytes.as_ref().map_or(0, Vec::len), version)
        })
        .await?;
    Ok(bytes.map(|bytes| StoredItem { record: parse_record(&bytes), bytes }))
}

fn parse_record(bytes: &[u8]) -> Result<Record, serde_json::Error> {
    serde_json::from_slice(bytes)
}

/// Writes an item if the store still holds `before` under its key, or nothing.
pub(super) async fn compare_and_set(
    asking: &QueryContext<'_>,
    store: &StoreClient,
    key: &ItemKey,
    before: Option<&[u8]>,
    record: &Record,
) -> Result<SetOutcome, HttpError> {
    let bytes = serde_json::to_vec(record)
        .map_err(|error| HttpError::bad_request(format!("the value cannot be kept: {error}")))?;
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
    let written = |done: &Option<()>| (0, done.map(|()| record.version.clone()));
    Ok(
        match run_query::<Option<()>>(asking, store, name, &query, RetryPolicy::IfNotSent, written)
            .await?
        {
            Some(Some(())) => SetOutcome::Written,
            Some(None) => SetOutcome::Conflict,
            None => SetOutcome::Unknown,
        },
    )
}

/// Makes a query that changes nothing. `describe` gives the bytes and the version of its answer.
pub(super) async fn run_read_query<T: FromRedisValue>(
    asking: &QueryContext<'_>,
    store: &StoreClient,
    name: &str,
    query: &Cmd,
    describe: impl Fn(&T) -> (usize, Option<Version>),
) -> Result<T, HttpError> {
    let answer = run_query(asking, store, name, query, RetryPolicy::Always, describe).await?;
    answer.ok_or_else(|| HttpError::bad_gateway("a query that changes nothing was given up"))
}

/// When a query is made again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RetryPolicy {
    /// Whenever no answer came.
    Always,
    /// Only if the store has certainly not seen it.
    IfNotSent,
}

/// Makes a query, again and again while the store cannot be reached and time is left. None if the
/// store may have seen it and it must not be made again.
async fn run_query<T: FromRedisValue>(
    asking: &QueryContext<'_>,
    store: &StoreClient,
    name: &str,
    query: &Cmd,
    repeat: RetryPolicy,
    describe: impl Fn(&T) -> (usize, Option<Version>),
) -> Result<Option<T>, HttpError> {
    let start = Instant::now();
    let (attempts, outcome) = retry_until_deadline(asking, store, query, repeat).await;
    let took = start.elapsed();
    let (bytes, version) =
        outcome.as_ref().ok().and_then(Option::as_ref).map_or((0, None), describe);
    let outcome = outcome.map_err(|failure| {
        let (to, address) = (store.edge().to(), store.edge().address());
        HttpError::new(failure.status, format!("{to} at {address}: {}", failure.message))
    });
    (asking.log)(Query {
        to: store.edge().to().to_string(),
        command: name.to_owned(),
        count: attempts,
        bytes: bytes as u64,
        micros: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        version,
        error: outcome.as_ref().err().map(|failure| failure.message.clone()),
    });
    store.edge().record(took, !matches!(outcome, Ok(Some(_))));
    outcome
}

async fn retry_until_deadline<T: FromRedisValue>(
    asking: &QueryContext<'_>,
    store: &StoreClient,
    query: &Cmd,
    repeat: RetryPolicy,
) -> (u32, Result<Option<T>, HttpError>) {
    let deadline = asking.deadline();
    let mut backoff = RETRY_BACKOFF;
    let mut failed = HttpError::gateway_timeout("no answer in time");
    for attempt in 1.. {
        failed = match timeout_at(deadline, store.query_once(query)).await {
            Ok(Ok(answer)) => return (attempt, Ok(Some(answer))),
            Ok(Err(AttemptError::Rejected(reason))) => {
                return (attempt, Err(HttpError::bad_gateway(reason)));
            }
            Ok(Err(AttemptError::OutcomeUnknown(_))) if repeat == RetryPolicy::IfNotSent => {
                return (attempt, Ok(None));
            }
            Ok(Err(AttemptError::OutcomeUnknown(reason))) => HttpError::gateway_timeout(reason),
            Ok(Err(AttemptError::NotSent(reason))) => HttpError::bad_gateway(reason),
            // What failed before says more than that the last attempt was cut off.
            Err(_) => return (attempt, Err(failed)),
        };
        let pause = backoff.next_pause();
        if Instant::now() + pause >= deadline {
            return (attempt, Err(failed));
        }
        sleep(pause).await;
    }
    (0, Ok(None))
}
