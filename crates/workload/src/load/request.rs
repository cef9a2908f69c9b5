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

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The answer that there should be.
    Ok,
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
) -> Ending {
    match ask {
        Ask::Read(key) => {
            let known = lock(memory).known(key).cloned();
            match send(target, Method::GET, path(key), Bytes::new(), deadline).await {
                Ok(answer) => match read(key, answer) {
                    Ok(found) => judge(memory, key, known.as_ref(), found.as_ref()),
                    Err(ending) => ending,
                },
                Err(ending) => ending,
            }
        }
        Ask::Write(key, number) => {
            let Ok(body) = serde_json::to_vec(&Value { write: *number }) else {
                return Ending::Nonsense;
            };
            match send(target, Method::PUT, path(key), body.into(), deadline).await {
                Ok(answer) => written(memory, key, answer),
                Err(ending) => ending,
            }
        }
        Ask::Summary => {
            match send(target, Method::GET, "/summary".to_owned(), Bytes::new(), deadline).await {
                Ok((StatusCode::OK, Some(Outcome::Summary(_)))) => Ending::Ok,
                Ok((status, _)) => unexpected(status),
                Err(ending) => ending,
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
) -> Result<Answered, Ending> {
    let outgoing = Outgoing { method, path, context: Context::first(deadline), body };
    match target.send_as_user(&outgoing).await {
        Ok(Reply { status, body, .. }) => {
            let answer = serde_json::from_slice::<Answer>(&body).ok();
            Ok((status, answer.map(|answer| answer.outcome)))
        }
        Err(CallError::Late { .. }) => Err(Ending::Late),
        Err(CallError::Unreachable { .. }) => Err(Ending::Unreachable),
        Err(CallError::Invalid { .. }) => Err(Ending::Nonsense),
    }
}

fn path(key: &ItemKey) -> String {
    // Kinds and ids need no escaping.
    format!("/items/{key}")
}

/// The version that a read found; None if there is no such item.
fn read(key: &ItemKey, (status, outcome): Answered) -> Result<Option<Version>, Ending> {
    match (status, outcome) {
        (StatusCode::OK, Some(Outcome::Item { kind, id, version, .. }))
            if kind == key.kind && id == key.id =>
        {
            Ok(Some(version))
        }
        (StatusCode::NOT_FOUND, Some(Outcome::Error(_))) => Ok(None),
        (status, _) => Err(unexpected(status)),
    }
}

fn judge(
    memory: &Mutex<Memory>,
    key: &ItemKey,
    known: Option<&Version>,
    found: Option<&Version>,
) -> Ending {
    let verdict = lock(memory).judge(key, known, found);
    if verdict == Verdict::Lost {
        let text = |version: Option<&Version>| version.map_or("nothing".into(), Version::to_string);
        let (known, found) = (text(known), text(found));
        tracing::error!(item = %key, acknowledged = known, found, "a write is lost");
    }
    match verdict {
        Verdict::Found => Ending::Ok,
        Verdict::Lost => Ending::Lost { first: true },
        Verdict::StillLost => Ending::Lost { first: false },
    }
}

fn written(memory: &Mutex<Memory>, key: &Arc<ItemKey>, (status, outcome): Answered) -> Ending {
    match outcome {
        Some(Outcome::Item { kind, id, version, .. })
            if status.is_success() && kind == key.kind && id == key.id =>
        {
            lock(memory).acknowledge(key, version);
            Ending::Ok
        }
        _ => unexpected(status),
    }
}

fn unexpected(status: StatusCode) -> Ending {
    if status.is_server_error() {
        Ending::Error
    } else if status.is_client_error() {
        Ending::Refused
    } else {
        Ending::Nonsense
    }
}
