//! Calls to other components: the request goes on, the answer comes back with its tree.
//!
//! Services call the components below; peers that are not wanted any more call their successor.

use crate::{
    http::{HttpError, Request},
    runtime::{CallError, CallRequest, CallResponse, Upstream},
};
use axum::http::{Method, StatusCode};
use bytes::Bytes;
use maquette_contract::{Answer, ItemKey, Outcome, Record, ResponseTree, Role, Summary};
use serde_json::Value;
use std::time::{Duration, Instant};

/// Asks for an item.
pub(crate) async fn get_item<S>(
    request: &Request<S>,
    upstream: &Upstream,
    key: &ItemKey,
) -> Result<Record, HttpError> {
    expect_item(
        forward_request(request, upstream, Method::GET, item_path(key), Bytes::new()).await?,
        upstream,
        key,
    )
}

/// Has an item written.
pub(crate) async fn put_item<S>(
    request: &Request<S>,
    upstream: &Upstream,
    key: &ItemKey,
    value: &Value,
) -> Result<Record, HttpError> {
    let body = Bytes::from(value.to_string());
    expect_item(
        forward_request(request, upstream, Method::PUT, item_path(key), body).await?,
        upstream,
        key,
    )
}

/// Asks for a summary.
pub(crate) async fn get_summary<S>(
    request: &Request<S>,
    upstream: &Upstream,
) -> Result<Summary, HttpError> {
    match forward_request(request, upstream, Method::GET, "/summary".to_owned(), Bytes::new())
        .await?
    {
        Outcome::Summary(summary) => Ok(summary),
        _ => Err(unexpected_answer(upstream, "something else than a summary")),
    }
}

fn item_path(key: &ItemKey) -> String {
    // Collections and ids need no escaping.
    format!("/items/{key}")
}

fn expect_item(outcome: Outcome, upstream: &Upstream, key: &ItemKey) -> Result<Record, HttpError> {
    match outcome {
        Outcome::Item { collection, id, version, value }
            if collection == key.collection && id == key.id =>
        {
            Ok(Record { version, value })
        }
        _ => Err(unexpected_answer(upstream, "something else than the item")),
    }
}

fn unexpected_answer(upstream: &Upstream, what: &str) -> HttpError {
    HttpError::bad_gateway(format!("{} answered {what}", upstream.edge().to()))
}

async fn forward_request<S>(
    request: &Request<S>,
    upstream: &Upstream,
    method: Method,
    path: String,
    body: Bytes,
) -> Result<Outcome, HttpError> {
    let start = Instant::now();
    let outgoing = CallRequest { method, path, context: request.context.clone(), body };
    let reply = upstream.send_with_retries(&outgoing).await;
    let took = start.elapsed();
    let failed = reply.as_ref().map_or(true, |reply| reply.status.is_server_error());
    upstream.edge().record(took, failed);
    let answer = match reply {
        Ok(reply) => parse_answer(upstream, &reply).map(|answer| (reply.status, answer)),
        Err(error) => Err(no_answer_error(&error)),
    };
    match answer {
        Ok((status, answer)) => {
            request.log_call(answer.trace);
            interpret_outcome(upstream, status, answer.outcome)
        }
        Err(failure) => {
            request.log_call(unanswered_tree(upstream, took, &failure));
            let (component, HttpError { status, message }) = (upstream.edge().to(), failure);
            Err(HttpError::new(status, format!("{component}: {message}")))
        }
    }
}

fn parse_answer(upstream: &Upstream, reply: &CallResponse) -> Result<Answer, HttpError> {
    let (status, address) = (reply.status, upstream.edge().address());
    serde_json::from_slice(&reply.body).map_err(|error| {
        HttpError::bad_gateway(format!("{address} answered {status} with no answer in it: {error}"))
    })
}

fn no_answer_error(error: &CallError) -> HttpError {
    match error {
        CallError::TimedOut { .. } => HttpError::gateway_timeout(error.to_string()),
        CallError::Unreachable { .. } | CallError::Invalid { .. } => {
            HttpError::bad_gateway(error.to_string())
        }
    }
}

/// What a failing answer means to those above: who asked for nothing wrong but came to somebody
/// who failed gets 502; what says more than that is passed on.
fn interpret_outcome(
    upstream: &Upstream,
    status: StatusCode,
    outcome: Outcome,
) -> Result<Outcome, HttpError> {
    let message = match outcome {
        Outcome::Error(message) => message,
        outcome if status.is_success() => return Ok(outcome),
        _ => format!("answered {status}"),
    };
    let passed_on = status.is_client_error()
        || matches!(
            status,
            StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
                | StatusCode::LOOP_DETECTED
        );
    let status = if passed_on { status } else { StatusCode::BAD_GATEWAY };
    if status.is_client_error() {
        return Err(HttpError::new(status, message));
    }
    Err(HttpError::new(status, format!("{}: {message}", upstream.edge().to())))
}

/// The part of a component that did not answer.
fn unanswered_tree(upstream: &Upstream, took: Duration, failure: &HttpError) -> ResponseTree {
    ResponseTree {
        component: upstream.edge().to().clone(),
        role: Role::Service,
        pod: String::new(),
        micros: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        queries: vec![],
        calls: vec![],
        error: Some(failure.message.clone()),
    }
}
