//! Calls to other components: the request goes on, the answer comes back with its tree.
//!
//! Services call the components below; peers that are not wanted any more call their successor.

use crate::{
    http::{Failure, Request},
    runtime::{CallError, Outgoing, Reply, Upstream},
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
) -> Result<Record, Failure> {
    item(call(request, upstream, Method::GET, path(key), Bytes::new()).await?, upstream, key)
}

/// Has an item written.
pub(crate) async fn put_item<S>(
    request: &Request<S>,
    upstream: &Upstream,
    key: &ItemKey,
    value: &Value,
) -> Result<Record, Failure> {
    let body = Bytes::from(value.to_string());
    item(call(request, upstream, Method::PUT, path(key), body).await?, upstream, key)
}

/// Asks for a summary.
pub(crate) async fn get_summary<S>(
    request: &Request<S>,
    upstream: &Upstream,
) -> Result<Summary, Failure> {
    match call(request, upstream, Method::GET, "/summary".to_owned(), Bytes::new()).await? {
        Outcome::Summary(summary) => Ok(summary),
        _ => Err(nonsense(upstream, "something else than a summary")),
    }
}

fn path(key: &ItemKey) -> String {
    // Collections and ids need no escaping.
    format!("/items/{key}")
}

fn item(outcome: Outcome, upstream: &Upstream, key: &ItemKey) -> Result<Record, Failure> {
    match outcome {
        Outcome::Item { collection, id, version, value }
            if collection == key.collection && id == key.id =>
        {
            Ok(Record { version, value })
        }
        _ => Err(nonsense(upstream, "something else than the item")),
    }
}

fn nonsense(upstream: &Upstream, what: &str) -> Failure {
    Failure::broken(format!("{} answered {what}", upstream.edge().to()))
}

async fn call<S>(
    request: &Request<S>,
    upstream: &Upstream,
    method: Method,
    path: String,
    body: Bytes,
) -> Result<Outcome, Failure> {
    let start = Instant::now();
    let outgoing = Outgoing { method, path, context: request.context.clone(), body };
    let reply = upstream.send(&outgoing).await;
    let took = start.elapsed();
    let failed = reply.as_ref().map_or(true, |reply| reply.status.is_server_error());
    upstream.edge().record(took, failed);
    let answer = match reply {
        Ok(reply) => parse(upstream, &reply).map(|answer| (reply.status, answer)),
        Err(error) => Err(unanswered(&error)),
    };
    match answer {
        Ok((status, answer)) => {
            request.called(answer.trace);
            outcome(upstream, status, answer.outcome)
        }
        Err(failure) => {
            request.called(missing(upstream, took, &failure));
            let (component, Failure { status, message }) = (upstream.edge().to(), failure);
            Err(Failure::new(status, format!("{component}: {message}")))
        }
    }
}

fn parse(upstream: &Upstream, reply: &Reply) -> Result<Answer, Failure> {
    let (status, address) = (reply.status, upstream.edge().address());
    serde_json::from_slice(&reply.body).map_err(|error| {
        Failure::broken(format!("{address} answered {status} with no answer in it: {error}"))
    })
}

fn unanswered(error: &CallError) -> Failure {
    match error {
        CallError::Late { .. } => Failure::late(error.to_string()),
        CallError::Unreachable { .. } | CallError::Invalid { .. } => {
            Failure::broken(error.to_string())
        }
    }
}

/// What a failing answer means to those above: who asked for nothing wrong but came to somebody
/// who failed gets 502; what says more than that is passed on.
fn outcome(upstream: &Upstream, status: StatusCode, outcome: Outcome) -> Result<Outcome, Failure> {
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
        return Err(Failure::new(status, message));
    }
    Err(Failure::new(status, format!("{}: {message}", upstream.edge().to())))
}

/// The part of a component that did not answer.
fn missing(upstream: &Upstream, took: Duration, failure: &Failure) -> ResponseTree {
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
