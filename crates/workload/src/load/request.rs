//! One request of a user, and what comes of it.

use super::{
    memory::{Memory, Verdict},
    users::Ask,
};
use crate::runtime::{CallError, Outgoing, Reply, Upstream, headers::Context, lock};
use bytes::Bytes;
use hyper::{Method, StatusCode};
use maquette_contract::{Answer, ItemKey, Outcome, Version};
use serde::Serialize;
use std::sync::{Arc, Mutex};
use tokio::time::Instant;

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) ending: Ending,
    /// In one line.
    pub(super) why: String,
}

/// How a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// A client error, though the request was right.
    Refused,
    /// A server error.
    Error,
    /// No connection.
    Unreachable,
    /// No answer in time.
    Late,
    /// An answer, but to something else or in no known form.
    Nonsense,
    /// An acknowledged write is gone; true if that was not known before.
    Lost {
        /// Whether this is the first read to miss it.
        first: bool,
    },
    /// It was never sent: its turn did not come in time.
    GaveUp,
}

/// What a write stores.
#[derive(Serialize)]
struct Value {
    write: u64,
}

/// Makes the request and judges the answer.
pub(super) async fn make(
    target: &Upstream,
    ask: &Ask,
    deadline: Instant,
    memory: &Mutex<Memory>,
) -> Result<(), Failure> {
    match ask {
        Ask::Read(key) => {
            let known = lock(memory).known(key).cloned();
            let answer = send(target, Method::GET, path(key), Bytes::new(), deadline).await?;
            let found = read(key, answer)?;
            judge(memory, key, known.as_ref(), found.as_ref())
        }
        Ask::Write(key, number) => {
            let body = serde_json::to_vec(&Value { write: *number });
            let body = body.map_err(|e| failure(Ending::Nonsense, e.to_string()))?;
            let answer = send(target, Method::PUT, path(key), body.into(), deadline).await?;
            written(memory, key, answer)
        }
        Ask::Summary => {
            let path = "/summary".to_owned();
            match send(target, Method::GET, path, Bytes::new(), deadline).await? {
                (StatusCode::OK, Some(Outcome::Summary(_))) => Ok(()),
                answer => Err(unexpected(answer)),
            }
        }
    }
}

/// The status, and what was asked for if the answer is understood.
type Answered = (StatusCode, Option<Outcome>);

async fn send(
    target: &Upstream,
    method: Method,
    path: String,
    body: Bytes,
    deadline: Instant,
) -> Result<Answered, Failure> {
    let outgoing = Outgoing { method, path, context: Context::first(deadline), body };
    match target.send_as_user(&outgoing).await {
        Ok(Reply { status, body, .. }) => {
            let answer = serde_json::from_slice::<Answer>(&body).ok();
            Ok((status, answer.map(|answer| answer.outcome)))
        }
        Err(error) => {
            let ending = match error {
                CallError::Late { .. } => Ending::Late,
                CallError::Unreachable { .. } => Ending::Unreachable,
                CallError::Invalid { .. } => Ending::Nonsense,
            };
            Err(failure(ending, error.to_string()))
        }
    }
}

fn path(key: &ItemKey) -> String {
    // Collections and ids need no escaping.
    format!("/items/{key}")
}

/// The version that a read found; None if there is no such item.
fn read(key: &ItemKey, (status, outcome): Answered) -> Result<Option<Version>, Failure> {
    match (status, outcome) {
        (StatusCode::OK, Some(Outcome::Item { collection, id, version, .. }))
            if collection == key.collection && id == key.id =>
        {
            Ok(Some(version))
        }
        (StatusCode::NOT_FOUND, Some(Outcome::Error(_))) => Ok(None),
        answer => Err(unexpected(answer)),
    }
}

fn judge(
    memory: &Mutex<Memory>,
    key: &ItemKey,
    known: Option<&Version>,
    found: Option<&Version>,
) -> Result<(), Failure> {
    let first = match lock(memory).judge(key, known, found) {
        Verdict::Found => return Ok(()),
        Verdict::Lost => true,
        Verdict::StillLost => false,
    };
    let text = |version: Option<&Version>| version.map_or("nothing".into(), Version::to_string);
    let (known, found) = (text(known), text(found));
    if first {
        tracing::error!(item = %key, acknowledged = known, found, "a write is lost");
    }
    Err(failure(Ending::Lost { first }, format!("{found} was found, not {known}")))
}

fn written(
    memory: &Mutex<Memory>,
    key: &Arc<ItemKey>,
    (status, outcome): Answered,
) -> Result<(), Failure> {
    match outcome {
        Some(Outcome::Item { collection, id, version, .. })
            if status.is_success() && collection == key.collection && id == key.id =>
        {
            lock(memory).acknowledge(key, version);
            Ok(())
        }
        outcome => Err(unexpected((status, outcome))),
    }
}

fn unexpected((status, outcome): Answered) -> Failure {
    let why = match outcome {
        Some(Outcome::Error(message)) => format!("{status}: {message}"),
        Some(_) => format!("{status}, with an answer to something else"),
        None => format!("{status}, without an answer that is understood"),
    };
    if status.is_server_error() {
        failure(Ending::Error, why)
    } else if status.is_client_error() {
        failure(Ending::Refused, why)
    } else {
        failure(Ending::Nonsense, why)
    }
}

fn failure(ending: Ending, why: String) -> Failure {
    Failure { ending, why }
}
