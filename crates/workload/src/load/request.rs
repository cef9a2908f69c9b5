//! One request of a virtual user and the check of its answer.

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

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RequestFailure {
    pub(super) kind: FailureKind,
    /// The error in one line, for the log.
    pub(super) reason: String,
}

/// How a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FailureKind {
    /// A status of 400 to 499; requests of the load are valid.
    ClientError,
    /// A status of 500 to 599.
    ServerError,
    /// No connection to the target was possible, or it broke twice.
    Unreachable,
    /// No answer within the time-out.
    TimedOut,
    /// An answer of an unknown form or to another request.
    UnexpectedAnswer,
    /// A read did not find an acknowledged write.
    LostWrite {
        /// Whether this is the first read that misses it.
        first: bool,
    },
    /// Not sent: it waited for its turn until the time-out.
    NeverSent,
}

/// The value that a write stores.
#[derive(Serialize)]
struct WrittenValue {
    write: u64,
}

/// Sends the request and checks the answer; records an acknowledged write in `checker`.
///
/// # Errors
/// If the request fails, or if a read misses an acknowledged write.
pub(super) async fn send_and_check(
    target: &Upstream,
    request: &UserRequest,
    deadline: Instant,
    checker: &Mutex<DurabilityChecker>,
) -> Result<(), RequestFailure> {
    match request {
        UserRequest::Read(key) => {
            let known = lock(checker).acknowledged_version(key).cloned();
            let found = read_item(target, key, RequestContext::new_root(deadline)).await?;
            check_durability(checker, key, known.as_ref(), found.as_ref())
        }
        UserRequest::Write(key, number) => {
            let body = serde_json::to_vec(&WrittenValue { write: *number }).map_err(|error| {
                RequestFailure { kind: FailureKind::UnexpectedAnswer, reason: error.to_string() }
            })?;
            let context = RequestContext::new_root(deadline);
            let answer =
                send_request(target, Method::PUT, item_path(key), body.into(), context).await?;
            record_write(checker, key, answer)
        }
        UserRequest::Summary => {
            let path = "/summary".to_owned();
            let context = RequestContext::new_root(deadline);
            match send_request(target, Method::GET, path, Bytes::new(), context).await? {
                (StatusCode::OK, Some(Outcome::Summary(_))) => Ok(()),
                answer => Err(unexpected_answer(answer)),
            }
        }
    }
}

/// Reads an item; returns its version, or none if the item does not exist.
///
/// # Errors
/// If the target does not answer, or with an error.
pub(super) async fn read_item(
    target: &Upstream,
    key: &ItemKey,
    context: RequestContext,
) -> Result<Option<Version>, RequestFailure> {
    let answer = send_request(target, Method::GET, item_path(key), Bytes::new(), context).await?;
    found_version(key, answer)
}

/// The status, and the outcome if the body is an answer.
type AnsweredOutcome = (StatusCode, Option<Outcome>);

async fn send_request(
    target: &Upstream,
    method: Method,
    path: String,
    body: Bytes,
    context: RequestContext,
) -> Result<AnsweredOutcome, RequestFailure> {
    let call = CallRequest { method, path, context, body };
    match target.send_once(&call).await {
        Ok(CallResponse { status, body }) => {
            let answer = serde_json::from_slice::<Answer>(&body).ok();
            Ok((status, answer.map(|answer| answer.outcome)))
        }
        Err(error) => {
            let kind = match error {
                CallError::TimedOut { .. } => FailureKind::TimedOut,
                CallError::Unreachable { .. } | CallError::Misdirected { .. } => {
                    FailureKind::Unreachable
                }
                CallError::Invalid { .. } => FailureKind::UnexpectedAnswer,
            };
            Err(RequestFailure { kind, reason: error.to_string() })
        }
    }
}

fn item_path(key: &ItemKey) -> String {
    // Collections and ids have only characters that need no escaping.
    format!("/items/{key}")
}

/// The version that a read found; None if the item does not exist.
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
    checker: &Mutex<DurabilityChecker>,
    key: &ItemKey,
    known: Option<&Version>,
    found: Option<&Version>,
) -> Result<(), RequestFailure> {
    let first = match lock(checker).check_read(key, known, found) {
        DurabilityVerdict::Intact => return Ok(()),
        DurabilityVerdict::NewlyLost => true,
        DurabilityVerdict::StillLost => false,
    };
    let [acknowledged, found] =
        [known, found].map(|version| version.map_or("nothing".to_owned(), Version::to_string));
    if first {
        tracing::error!(item = %key, acknowledged, found, "a write is lost");
    }
    let reason = format!("read {found}, but {acknowledged} was acknowledged");
    Err(RequestFailure { kind: FailureKind::LostWrite { first }, reason })
}

fn record_write(
    checker: &Mutex<DurabilityChecker>,
    key: &Arc<ItemKey>,
    (status, outcome): AnsweredOutcome,
) -> Result<(), RequestFailure> {
    match outcome {
        Some(Outcome::Item { collection, id, version, .. })
            if status.is_success() && collection == key.collection && id == key.id =>
        {
            lock(checker).record_acknowledged(key, version);
            Ok(())
        }
        outcome => Err(unexpected_answer((status, outcome))),
    }
}

fn unexpected_answer((status, outcome): AnsweredOutcome) -> RequestFailure {
    let reason = match outcome {
        Some(Outcome::Error(message)) => format!("{status}: {message}"),
        Some(_) => format!("{status}, with the answer to another request"),
        None => format!("{status}, with a body that is not an answer"),
    };
    let kind = if status.is_server_error() {
        FailureKind::ServerError
    } else if status.is_client_error() {
        FailureKind::ClientError
    } else {
        FailureKind::UnexpectedAnswer
    };
    RequestFailure { kind, reason }
}
