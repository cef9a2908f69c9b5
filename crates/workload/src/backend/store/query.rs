//! A query, held and made again while the store cannot be reached.

use super::client::{Attempt, StoreClient};
use crate::{backend::Asking, http::Failure, runtime::BACKOFF};
use maquette_contract::{ItemKey, Query, Record, Version};
use redis::{Cmd, FromRedisValue, cmd};
use tokio::time::{Instant, sleep, timeout_at};

/// What a store holds under an item's key.
#[derive(Debug)]
pub(super) struct Found {
    /// As it is stored.
    pub(super) bytes: Vec<u8>,
    /// What it says, if it is a record.
    pub(super) record: Result<Record, serde_json::Error>,
}

/// How a conditional write ended.
#[derive(Debug)]
pub(super) enum Set {
    /// It is on disk.
    Done,
    /// The item was not as expected: somebody else was first.
    Beaten,
    /// No answer came: it may have taken place or not, or still will.
    Unknown,
}

/// Reads an item.
pub(super) async fn get(
    asking: &Asking<'_>,
    store: &StoreClient,
    key: &ItemKey,
) -> Result<Option<Found>, Failure> {
    let query = cmd("GET").arg(key.to_string()).take();
    let bytes: Option<Vec<u8>> = read(asking, store, "GET", &query, |bytes: &Option<Vec<u8>>| {
        let version = bytes.as_ref().and_then(|bytes| parse(bytes).ok()).map(|r| r.version);
        (bytes.as_ref().map_or(0, Vec::len), version)
    })
    .await?;
    Ok(bytes.map(|bytes| Found { record: parse(&bytes), bytes }))
}

fn parse(bytes: &[u8]) -> Result<Record, serde_json::Error> {
    serde_json::from_slice(bytes)
}

/// Writes an item if the store still holds `before` under its key, or nothing.
pub(super) async fn set_if(
    asking: &Asking<'_>,
    store: &StoreClient,
    key: &ItemKey,
    before: Option<&[u8]>,
    record: &Record,
) -> Result<Set, Failure> {
    let bytes = serde_json::to_vec(record)
        .map_err(|error| Failure::invalid(format!("the value cannot be kept: {error}")))?;
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
    Ok(match run::<Option<()>>(asking, store, name, &query, Repeat::Unsent, written).await? {
        Some(Some(())) => Set::Done,
        Some(None) => Set::Beaten,
        None => Set::Unknown,
    })
}

/// Makes a query that changes nothing. `describe` gives the bytes and the version of its answer.
pub(super) async fn read<T: FromRedisValue>(
    asking: &Asking<'_>,
    store: &StoreClient,
    name: &str,
    query: &Cmd,
    describe: impl Fn(&T) -> (usize, Option<Version>),
) -> Result<T, Failure> {
    let answer = run(asking, store, name, query, Repeat::Always, describe).await?;
    answer.ok_or_else(|| Failure::broken("a query that changes nothing was given up"))
}

/// When a query is made again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Repeat {
    /// Whenever no answer came.
    Always,
    /// Only if the store has certainly not seen it.
    Unsent,
}

/// Makes a query, again and again while the store cannot be reached and time is left. None if the
/// store may have seen it and it must not be made again.
async fn run<T: FromRedisValue>(
    asking: &Asking<'_>,
    store: &StoreClient,
    name: &str,
    query: &Cmd,
    repeat: Repeat,
    describe: impl Fn(&T) -> (usize, Option<Version>),
) -> Result<Option<T>, Failure> {
    let start = Instant::now();
    let (attempts, outcome) = attempts(asking, store, query, repeat).await;
    let took = start.elapsed();
    let (bytes, version) =
        outcome.as_ref().ok().and_then(Option::as_ref).map_or((0, None), describe);
    let outcome = outcome.map_err(|failure| {
        let (to, address) = (store.edge().to(), store.edge().address());
        Failure::new(failure.status, format!("{to} at {address}: {}", failure.message))
    });
    (asking.note)(Query {
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

async fn attempts<T: FromRedisValue>(
    asking: &Asking<'_>,
    store: &StoreClient,
    query: &Cmd,
    repeat: Repeat,
) -> (u32, Result<Option<T>, Failure>) {
    let deadline = asking.deadline();
    let mut pause = BACKOFF.0;
    let mut failed = Failure::late("no answer in time");
    for attempt in 1.. {
        failed = match timeout_at(deadline, store.attempt(query)).await {
            Ok(Ok(answer)) => return (attempt, Ok(Some(answer))),
            Ok(Err(Attempt::Refused(reason))) => return (attempt, Err(Failure::broken(reason))),
            Ok(Err(Attempt::Unknown(_))) if repeat == Repeat::Unsent => return (attempt, Ok(None)),
            Ok(Err(Attempt::Unknown(reason))) => Failure::late(reason),
            Ok(Err(Attempt::Unsent(reason))) => Failure::broken(reason),
            // What failed before says more than that the last attempt was cut off.
            Err(_) => return (attempt, Err(failed)),
        };
        if Instant::now() + pause >= deadline {
            return (attempt, Err(failed));
        }
        sleep(pause).await;
        pause = (pause * 2).min(BACKOFF.1);
    }
    (0, Ok(None))
}
