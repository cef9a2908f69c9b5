//! Forwards requests to other components and adds their response trees to the own one.
//!
//! A service forwards to the components that its routes name; a peer that was replaced forwards to
//! its successor. This module never chooses the component.

use crate::{
    backend::{BackendError, ItemWrite, WrittenItem},
    http::{HttpError, PageRequest, Request, is_failure, precondition_header},
    runtime::{CallRequest, CallResponse, Upstream, headers::RequestContext, whole_micros},
};
use axum::http::{Method, StatusCode};
use bytes::Bytes;
use maquette_contract::{
    Answer, Content, ItemKey, ItemPage, Outcome, Record, ResponseTree, Role, Summary,
};
use std::time::{Duration, Instant};

pub(crate) async fn get_item<S>(
    request: &Request<S>,
    upstream: &Upstream,
    key: &ItemKey,
) -> Result<Record, HttpError> {
    let call = call_request(request, Method::GET, item_path(key), Bytes::new());
    match send_request(request, upstream, call).await?.1 {
        Outcome::WasDeleted { version, .. } => Ok(Record::new(version, Content::Deleted)),
        outcome => expect_item(outcome, upstream, key),
    }
}

pub(crate) async fn write_item<S>(
    request: &Request<S>,
    upstream: &Upstream,
    key: &ItemKey,
    write: &ItemWrite,
) -> Result<WrittenItem, HttpError> {
    let precondition = write.precondition.as_ref().and_then(precondition_header);
    let context = request.context.with_precondition(precondition);
    let (method, body) = match &write.content {
        Content::Value(value) => (Method::PUT, Bytes::copy_from_slice(value.as_str().as_bytes())),
        Content::Deleted => (Method::DELETE, Bytes::new()),
    };
    let call = CallRequest { method, path: item_path(key), context, body };
    let (status, outcome) = send_request(request, upstream, call).await?;
    let is_new = status == StatusCode::CREATED;
    let record = match outcome {
        Outcome::Deleted { collection, id, version }
            if collection == key.collection && id == key.id =>
        {
            Record::new(version, Content::Deleted)
        }
        outcome => expect_item(outcome, upstream, key)?,
    };
    Ok(WrittenItem { record, is_new })
}

pub(crate) async fn list_items<S>(
    request: &Request<S>,
    upstream: &Upstream,
    list: &PageRequest,
) -> Result<ItemPage, HttpError> {
    let path = list.path();
    let call = call_request(request, Method::GET, path, Bytes::new());
    match send_request(request, upstream, call).await?.1 {
        Outcome::Page(page) if page.collection == list.collection => Ok(page),
        _ => Err(unexpected_answer(upstream, "something other than the items")),
    }
}

/// `context` is that of the request, with the callee's part of the budget of calls.
pub(crate) async fn get_summary<S>(
    request: &Request<S>,
    upstream: &Upstream,
    context: RequestContext,
) -> Result<Summary, HttpError> {
    let (method, path, body) = (Method::GET, "/summary".to_owned(), Bytes::new());
    let call = CallRequest { method, path, context, body };
    match send_request(request, upstream, call).await?.1 {
        Outcome::Summary(summary) => Ok(summary),
        _ => Err(unexpected_answer(upstream, "something other than a summary")),
    }
}

fn call_request<S>(request: &Request<S>, method: Method, path: String, body: Bytes) -> CallRequest {
    CallRequest { method, path, context: request.context.clone(), body }
}

fn item_path(key: &ItemKey) -> String {
    // Names of collections and ids have only characters that need no escaping.
    format!("/items/{key}")
}

fn expect_item(outcome: Outcome, upstream: &Upstream, key: &ItemKey) -> Result<Record, HttpError> {
    match outcome {
        Outcome::Item { collection, id, version, value }
            if collection == key.collection && id == key.id =>
        {
            Ok(Record::new(version, Content::Value(value)))
        }
        _ => Err(unexpected_answer(upstream, "something other than the item")),
    }
}

fn unexpected_answer(upstream: &Upstream, what: &str) -> HttpError {
    HttpError::bad_gateway(format!("{} answered {what}", upstream.edge().to()))
}

async fn send_request<S>(
    request: &Request<S>,
    upstream: &Upstream,
    call: CallRequest,
) -> Result<(StatusCode, Outcome), HttpError> {
    let start = Instant::now();
    let reply = upstream.send_with_retries(&call).await;
    let took = start.elapsed();
    let failed = reply.as_ref().map_or(true, |reply| is_failure(reply.status));
    if request.context.is_traffic(failed) {
        upstream.edge().record(took, failed);
    }
    let answer = reply
        .map_err(|error| HttpError::from(BackendError::from(error)))
        .and_then(|reply| Ok((reply.status, parse_answer(upstream, &reply)?)));
    match answer {
        Ok((status, answer)) => {
            // A component names what failed below it: the message needs no name of those between.
            let is_named = answer.trace.calls.iter().any(|call| call.error.is_some());
            request.log_call(answer.trace);
            interpret_outcome(upstream, status, answer.outcome, is_named)
                .map(|outcome| (status, outcome))
        }
        Err(error) => {
            request.log_call(unanswered_tree(upstream, took, &error));
            Err(name_component(upstream, error))
        }
    }
}

/// The error with the component at its beginning.
fn name_component(upstream: &Upstream, error: HttpError) -> HttpError {
    HttpError::new(error.status, format!("{}: {}", upstream.edge().to(), error.message))
}

fn parse_answer(upstream: &Upstream, reply: &CallResponse) -> Result<Answer, HttpError> {
    let (status, address) = (reply.status, upstream.edge().address());
    serde_json::from_slice(&reply.body).map_err(|error| {
        HttpError::bad_gateway(format!(
            "{address} answered {status} with a body that is not an answer: {error}"
        ))
    })
}

/// The error that a failed answer means for this component's callers. Their own errors (4xx) and
/// the statuses that tell them when to retry are passed on; any other failure becomes 502. Its
/// message `is_named` if it names the component that failed.
fn interpret_outcome(
    upstream: &Upstream,
    status: StatusCode,
    outcome: Outcome,
    is_named: bool,
) -> Result<Outcome, HttpError> {
    let message = match outcome {
        Outcome::Error(message) => message,
        outcome @ Outcome::WasDeleted { .. } if status == StatusCode::NOT_FOUND => {
            return Ok(outcome);
        }
        outcome if status.is_success() => return Ok(outcome),
        _ => format!("answered {status}"),
    };
    if status.is_client_error() {
        return Err(HttpError::new(status, message));
    }
    let is_passed_on = matches!(
        status,
        StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
            | StatusCode::LOOP_DETECTED
            | StatusCode::NOT_IMPLEMENTED
    );
    let own_status = if is_passed_on { status } else { StatusCode::BAD_GATEWAY };
    let error = HttpError::new(own_status, message);
    Err(if is_named { error } else { name_component(upstream, error) })
}

/// The part of the tree for a component that did not answer.
fn unanswered_tree(upstream: &Upstream, took: Duration, error: &HttpError) -> ResponseTree {
    ResponseTree {
        component: upstream.edge().to().clone(),
        role: Role::Service,
        pod: String::new(),
        micros: whole_micros(took),
        queries: vec![],
        calls: vec![],
        error: Some(error.message.clone()),
    }
}
