//! One request of a user, and what comes of it.

use super::{
    durability_checker::{DurabilityChecker, DurabilityVerdict},
    virtual_users::UserRequest,
};
use crate::runtime::{
    CallError, CallRequest, CallResponse, Upstream, headers::RequestContext, lock,
};
use bytes::Bytes;
use hyper::{Method, StatusCode};
use maquette_contract::{Answer, ItemKey, Outcome, Version};
use serde::Serialize;
use std::sync::{Arc, Mutex};
use tokio::time::Instant;

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RequestFailure {
    pub(super) kind: FailureKind,
    /// In one line.
    pub(super) reason: String,
}

/// How a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FailureKind {
    /// A client error, though the request was right.
    ClientError,
    /// A server error.
    ServerError,
    /// No connection.
    Unreachable,
    /// No answer in time.
    TimedOut,
    /// An answer, but to something else or in no known form.
    UnexpectedAnswer,
    /// An acknowledged write is gone; true if that was not known before.
    LostWrite {
        /// Whether this is the first read to miss it.
        first: bool,
    },
    /// It was never sent: its turn did not come in time.
    NeverSent,
}

/// What a write stores.
#[derive(Serialize)]
struct WrittenValue {
    write: u64,
}

/// Makes the request and judges the answer.
pub(super) async fn send_and_check(
    target: &Upstream,
    ask: &UserRequest,
    deadline: Instant,
    memory: &Mutex<DurabilityChecker>,
) -> Result<(), RequestFailure> {
    match ask {
        UserRequest::Read(key) => {
            let known = lock(memory).acknowledged_version(key).cloned();
            let answer =
                send_request(target, Method::GET, item_path(key), Bytes::new(), deadline).await?;
            let found = found_version(key, answer)?;
            check_durability(memory, key, known.as_ref(), found.as_ref())
        }
        UserRequest::Write(key, number) => {
            let body = serde_json::to_vec(&WrittenValue { write: *number });
            let body = body.map_err(|e| failure(FailureKind::UnexpectedAnswer, e.to_string()))?;
            let answer =
                send_request(target, Method::PUT, item_path(key), body.into(), deadline).await?;
            record_write(memory, key, answer)
        }
        UserRequest::Summary => {
            let path = "/summary".to_owned();
            match send_request(target, Method::GET, path, Bytes::new(), deadline).await? {
                (StatusCode::OK, Some(Outcome::Summary(_))) => Ok(()),
                answer => Err(unexpected_answer(answer)),
            }
        }
    }
}

/// The status, and what was asked for if the answer is understood.
type AnsweredOutcome = (StatusCode, Option<Outcome>);

async fn send_request(
    target: &Upstream,
    method: Method,
    path: String,
    body: Bytes,
    deadline: Instant,
) -> Result<AnsweredOutcome, RequestFailure> {
    let outgoing = CallRequest { method, path, context: RequestContext::new_root(deadline), body };
    match target.send_once(&outgoing).await {
        Ok(CallResponse { status, body, .. }) => {
            let answer = serde_json::from_slice::<Answer>(&body).ok();
            Ok((status, answer.map(|answer| answer.outcome)))
        }
        Err(error) => {
            let ending = match error {
                CallError::TimedOut { .. } => FailureKind::TimedOut,
                CallError::Unreachable { .. } => FailureKind::Unreachable,
                CallError::Invalid { .. } => FailureKind::UnexpectedAnswer,
            };
            Err(failure(ending, error.to_string()))
        }
    }
}

fn item_path(key: &ItemKey) -> String {
    // Collections and ids need no escaping.
    format!("/items/{key}")
}

/// The version that a read found; None if there is no such item.
fn found_version(
    key: &ItemKey,
    (status, outcome): AnsweredOutcome,
) -> Result<Option<Version>, RequestFailure> {
    match (status, outcome) {
        (StatusCode::OK, Some(Outcome::Item { collection, id, version, .. }))
            if collection == key.collection && id == key.id =>
        {
            Ok(Some(version))
        }
        (StatusCode::NOT_FOUND, Some(Outcome::Error(_))) => Ok(None),
        answer => Err(unexpected_answer(answer)),
    }
}

fn check_durability(
    memory: &Mutex<DurabilityChecker>,
    key: &ItemKey,
    known: Option<&Version>,
    found: Option<&Version>,
) -> Result<(), RequestFailure> {
    let first = match lock(memory).check_read(key, known, found) {
        DurabilityVerdict::Intact => return Ok(()),
        DurabilityVerdict::NewlyLost => true,
        DurabilityVerdict::StillLost => false,
    };
    let text = |version: Option<&Version>| version.map_or("nothing".into(), Version::to_string);
    let (known, found) = (text(known), text(found));
    if first {
        tracing::error!(item = %key, acknowledged = known, found, "a write is lost");
    }
    Err(failure(FailureKind::LostWrite { first }, format!("{found} was found, not {known}")))
}

fn record_write(
    memory: &Mutex<DurabilityChecker>,
    key: &Arc<ItemKey>,
    (status, outcome): AnsweredOutcome,
) -> Result<(), RequestFailure> {
    match outcome {
        Some(Outcome::Item { collection, id, version, .. })
            if status.is_success() && collection == key.collection && id == key.id =>
        {
            lock(memory).record_acknowledged(key, version);
            Ok(())
        }
        outcome => Err(unexpected_answer((status, outcome))),
    }
}

fn unexpected_answer((status, outcome): AnsweredOutcome) -> RequestFailure {
    let why = match outcome {
        Some(Outcome::Error(message)) => format!("{status}: {message}"),
        Some(_) => format!("{status}, with an answer to something else"),
        None => format!("{status}, without an answer that is understood"),
    };
    if status.is_server_error() {
        failure(FailureKind::ServerError, why)
    } else if status.is_client_error() {
        failure(FailureKind::ClientError, why)
    } else {
        failure(FailureKind::UnexpectedAnswer, why)
    }
}

fn failure(ending: FailureKind, why: String) -> RequestFailure {
    RequestFailure { kind: ending, reason: why }
}
