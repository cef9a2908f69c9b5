//! The client of the internal items API of peers: HTTP, for the items that they store themselves.

use super::{BackendError, ItemWrite, QueryContext, VersionFn, WriteDecision, WrittenItem};
use crate::runtime::{
    CallRequest, CallResponse, Edge, EdgeTarget, RETRY_BACKOFF, Upstream, wall_millis, whole_micros,
};
use axum::http::{Method, StatusCode};
use bytes::Bytes;
use maquette_contract::{
    Answer, ItemKey, Query, Record, RecordError, Summary, Version,
    internal_api::{AFTER, ITEMS, InternalPage, SUMMARY},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use tokio::time::{Instant, sleep};

/// The peers of a component: their edge and the connections to them, which close when this is
/// dropped.
#[derive(Debug)]
pub(crate) struct InternalApiClient(Arc<Upstream>);

/// One request of the API.
struct ApiRequest {
    /// Its name in the response tree.
    command: &'static str,
    method: Method,
    path: String,
    body: Bytes,
}

impl ApiRequest {
    fn get(command: &'static str, path: String) -> Self {
        Self { command, method: Method::GET, path, body: Bytes::new() }
    }
}

impl InternalApiClient {
    /// The peers at `target`; their probes start now.
    pub(crate) fn new(target: EdgeTarget) -> Arc<Self> {
        Arc::new(Self(Upstream::new(target)))
    }

    /// The edge to the peers.
    pub(crate) fn edge(&self) -> &Arc<Edge> {
        self.0.edge()
    }

    /// Reads an item.
    ///
    /// # Errors
    /// If no read quorum of the peers answers before the deadline.
    pub(crate) async fn read_item(
        &self,
        context: &QueryContext<'_>,
        key: &ItemKey,
    ) -> Result<Option<Record>, BackendError> {
        let request = ApiRequest::get("read", format!("{ITEMS}/{key}"));
        let read = self
            .send_request(context, request, parse_item, |record| {
                record.as_ref().map(|record| record.version.clone())
            })
            .await;
        let damaged = &self.edge().damaged;
        match &read {
            Ok(_) => damaged.remove(key),
            Err(BackendError::Damaged(reason)) => {
                damaged.add(key, self.edge().to().as_str(), reason)
            }
            Err(_) => {}
        }
        read
    }

    /// Makes a write, with the version that `next` gives for the one that it replaces. Of two
    /// concurrent writes, the one with the later version stays. A write that was sent before is
    /// not made again; see [`Self::wait_for_write`].
    ///
    /// # Errors
    /// If the peers do not confirm before the deadline that the write is durable, or if it has a
    /// precondition: peers have no single owner of an item that could check it.
    pub(crate) async fn write_item(
        &self,
        context: &QueryContext<'_>,
        key: &ItemKey,
        write: &ItemWrite,
        next: VersionFn<'_>,
    ) -> Result<WrittenItem, BackendError> {
        if write.precondition.is_some() {
            let reason = "peers still hold it, and cannot check a precondition: write without one";
            return Err(BackendError::Unavailable(format!("{key}: {reason}")));
        }
        if context.request.is_repeated {
            return self.wait_for_write(context, key, write).await;
        }
        let current = self.read_item(context, key).await?;
        let written = match write.apply(current.as_ref(), next) {
            WriteDecision::Write(written) => written,
            WriteDecision::Repeated(version) => return Ok(write.repeated(version)),
            WriteDecision::PreconditionFailed { current } => {
                return Err(BackendError::precondition_failed(key, current.as_ref()));
            }
        };
        let version = written.record.version.clone();
        let body = serde_json::to_vec(&written.record)
            .map_err(|error| BackendError::Invalid(format!("the value cannot be kept: {error}")))?;
        let path = format!("{ITEMS}/{key}");
        let request = ApiRequest { command: "write", method: Method::PUT, path, body: body.into() };
        self.send_request(context, request, check_written, |()| Some(version.clone())).await?;
        Ok(written)
    }

    /// Waits until an earlier attempt of the write has made it.
    async fn wait_for_write(
        &self,
        context: &QueryContext<'_>,
        key: &ItemKey,
        write: &ItemWrite,
    ) -> Result<WrittenItem, BackendError> {
        let (deadline, mut backoff) = (context.deadline(), RETRY_BACKOFF);
        loop {
            let current = self.read_item(context, key).await?;
            let made = current.as_ref().and_then(|it| it.requests.version_of(write.request));
            if let Some(version) = made {
                return Ok(write.repeated(version.clone()));
            }
            let pause = backoff.next_pause();
            if Instant::now() + pause >= deadline {
                return Err(BackendError::unknown_outcome(key));
            }
            sleep(pause).await;
        }
    }

    /// A page of all items: the first page, or the one that starts at `after`, the `next` of the
    /// page before.
    ///
    /// # Errors
    /// If the peers give no answer before the deadline.
    pub(crate) async fn list_page(
        &self,
        context: &QueryContext<'_>,
        after: Option<&str>,
    ) -> Result<InternalPage, BackendError> {
        let path = match after {
            Some(after) => {
                format!("{ITEMS}?{AFTER}={}", utf8_percent_encode(after, NON_ALPHANUMERIC))
            }
            None => ITEMS.to_owned(),
        };
        let mut page: InternalPage =
            self.send_request(context, ApiRequest::get("list", path), parse_json, |_| None).await?;
        let now = wall_millis();
        for item in &mut page.items {
            let ahead = item.version.as_ref().and_then(|it| it.check_not_ahead(now).err());
            item.damaged |= ahead.is_some();
        }
        Ok(page)
    }

    /// Adds up the items of each collection.
    ///
    /// # Errors
    /// If no read quorum of the peers answers before the deadline.
    pub(crate) async fn summarize(
        &self,
        context: &QueryContext<'_>,
    ) -> Result<Summary, BackendError> {
        let request = ApiRequest::get("summary", SUMMARY.to_owned());
        self.send_request(context, request, parse_json, |_| None).await
    }

    /// Sends a request and logs it. `parse` reads the reply; `version` gives the item's version for
    /// the log.
    async fn send_request<T>(
        &self,
        context: &QueryContext<'_>,
        request: ApiRequest,
        parse: impl Fn(&CallResponse) -> Result<T, BackendError>,
        version: impl Fn(&T) -> Option<Version>,
    ) -> Result<T, BackendError> {
        let ApiRequest { command, method, path, body } = request;
        let start = Instant::now();
        let call = CallRequest { method, path, context: context.request.clone(), body };
        let reply = self.0.send_with_retries(&call).await;
        let took = start.elapsed();
        let bytes = reply.as_ref().map_or(0, |reply| reply.body.len() as u64);
        let to = self.edge().to();
        let outcome = reply
            .map_err(BackendError::from)
            .and_then(|reply| parse(&reply))
            .map_err(|error| error.with_context(to));
        if context.request.is_traffic(outcome.is_err()) {
            self.edge().record(took, outcome.is_err());
        }
        (context.log)(Query {
            to: to.to_string(),
            command: command.to_owned(),
            count: 1,
            bytes,
            micros: whole_micros(took),
            version: outcome.as_ref().ok().and_then(version),
            error: outcome.as_ref().err().map(BackendError::to_string),
        });
        outcome
    }
}

/// The record of a reply; None for a 404 of this API.
fn parse_item(reply: &CallResponse) -> Result<Option<Record>, BackendError> {
    // A component without this API refuses the path with the answer of an unknown user's path.
    // That does not mean that there is no item.
    if reply.status == StatusCode::NOT_FOUND && !is_user_answer(reply) {
        return Ok(None);
    }
    if reply.status != StatusCode::OK {
        return Err(status_error(reply));
    }
    match Record::read(&reply.body, wall_millis()) {
        Ok(record) => Ok(Some(record)),
        Err(RecordError::Format(error)) => Err(malformed_answer(&error)),
        Err(error @ RecordError::Ahead(_)) => Err(BackendError::Damaged(error.to_string())),
    }
}

fn is_user_answer(reply: &CallResponse) -> bool {
    serde_json::from_slice::<Answer>(&reply.body).is_ok()
}

fn check_written(reply: &CallResponse) -> Result<(), BackendError> {
    match reply.status {
        StatusCode::NO_CONTENT => Ok(()),
        _ => Err(status_error(reply)),
    }
}

fn parse_json<T: DeserializeOwned>(reply: &CallResponse) -> Result<T, BackendError> {
    if reply.status != StatusCode::OK {
        return Err(status_error(reply));
    }
    serde_json::from_slice(&reply.body).map_err(|error| malformed_answer(&error))
}

fn malformed_answer(error: &serde_json::Error) -> BackendError {
    BackendError::BadReply(format!("the answer has another form: {error}"))
}

/// The error that a status other than success means.
fn status_error(reply: &CallResponse) -> BackendError {
    let text = String::from_utf8_lossy(&reply.body);
    let message = format!("answered {}: {}", reply.status, text.trim());
    match reply.status {
        StatusCode::SERVICE_UNAVAILABLE => BackendError::Unavailable(message),
        StatusCode::UNPROCESSABLE_ENTITY => BackendError::Damaged(message),
        StatusCode::GATEWAY_TIMEOUT => BackendError::DeadlineExceeded(message),
        _ => BackendError::BadReply(message),
    }
}
