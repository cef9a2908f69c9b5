//! Peers, asked over HTTP for what they hold themselves.

use super::{QueryContext, VersionFn};
use crate::{
    http::HttpError,
    runtime::{CallError, CallRequest, CallResponse, Edge, Upstream},
};
use axum::http::{Method, StatusCode};
use bytes::Bytes;
use maquette_contract::{
    Address, Answer, ComponentName, ItemKey, Query, Record, Summary, Version,
    internal_api::{AFTER, ITEMS, InternalPage, SUMMARY},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// The peers of a component: their edge and the connections to them. Dropping it closes those.
#[derive(Debug)]
pub(crate) struct InternalApiClient(Arc<Upstream>);

/// One exchange: what is asked for, as the tree names it, and how.
struct ApiRequest {
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
    /// The peers at `address`, the component `to`; their probes begin now.
    pub(crate) fn new(to: ComponentName, address: Address) -> Arc<Self> {
        Arc::new(Self(Upstream::new(to, address)))
    }

    /// The edge to the peers.
    pub(crate) fn edge(&self) -> &Arc<Edge> {
        self.0.edge()
    }

    /// The item.
    ///
    /// # Errors
    /// If the peers give no truthful answer in time.
    pub(crate) async fn read_item(
        &self,
        asking: &QueryContext<'_>,
        key: &ItemKey,
    ) -> Result<Option<Record>, HttpError> {
        let ask = ApiRequest::get("read", format!("{ITEMS}/{key}"));
        let take = |reply: &CallResponse| match reply.status {
            StatusCode::NOT_FOUND if !is_user_answer(reply) => Ok(None),
            _ => parse_json(reply).map(Some),
        };
        let version = |record: &Option<Record>| record.as_ref().map(|it| it.version.clone());
        self.send_request(asking, ask, take, version).await
    }

    /// Writes a value, with the version that `next` gives for what it replaces. Of two writes that
    /// are made at the same time, the later version stays.
    ///
    /// # Errors
    /// If it is not known to be durable in time.
    pub(crate) async fn write_item(
        &self,
        asking: &QueryContext<'_>,
        key: &ItemKey,
        value: &Value,
        next: VersionFn<'_>,
    ) -> Result<Record, HttpError> {
        let seen = self.read_item(asking, key).await?;
        let version = next(seen.as_ref().map(|record| &record.version));
        let record = Record { version, value: value.clone() };
        let body = serde_json::to_vec(&record).map_err(|error| {
            HttpError::bad_request(format!("the value cannot be kept: {error}"))
        })?;
        let path = format!("{ITEMS}/{key}");
        let ask = ApiRequest { command: "write", method: Method::PUT, path, body: body.into() };
        let take = |reply: &CallResponse| match reply.status {
            StatusCode::NO_CONTENT => Ok(()),
            _ => Err(status_error(reply)),
        };
        self.send_request(asking, ask, take, |()| Some(record.version.clone())).await?;
        Ok(record)
    }

    /// A page of all items: the first one, or that which begins `after` the one before, as that
    /// says.
    ///
    /// # Errors
    /// If the peers give no answer in time.
    pub(crate) async fn list_page(
        &self,
        asking: &QueryContext<'_>,
        after: Option<&str>,
    ) -> Result<InternalPage, HttpError> {
        let query = |after| format!("?{AFTER}={}", utf8_percent_encode(after, NON_ALPHANUMERIC));
        let path = format!("{ITEMS}{}", after.map(query).unwrap_or_default());
        self.send_request(asking, ApiRequest::get("list", path), parse_json, |_| None).await
    }

    /// What there is of each collection.
    ///
    /// # Errors
    /// If the peers give no truthful answer in time.
    pub(crate) async fn summarize(&self, asking: &QueryContext<'_>) -> Result<Summary, HttpError> {
        self.send_request(
            asking,
            ApiRequest::get("summary", SUMMARY.to_owned()),
            parse_json,
            |_| None,
        )
        .await
    }

    /// Makes one exchange and takes note of it. `take` makes of the reply what was asked for.
    async fn send_request<T>(
        &self,
        asking: &QueryContext<'_>,
        ask: ApiRequest,
        take: impl Fn(&CallResponse) -> Result<T, HttpError>,
        version: impl Fn(&T) -> Option<Version>,
    ) -> Result<T, HttpError> {
        let ApiRequest { command, method, path, body } = ask;
        let start = Instant::now();
        let outgoing = CallRequest { method, path, context: asking.context.clone(), body };
        let reply = self.0.send_with_retries(&outgoing).await;
        let took = start.elapsed();
        let bytes = reply.as_ref().map_or(0, |reply| reply.body.len() as u64);
        let outcome = match &reply {
            Ok(reply) => take(reply),
            Err(error) => Err(no_answer_error(error)),
        };
        let to = self.edge().to();
        let outcome = outcome.map_err(|HttpError { status, message }| {
            HttpError::new(status, format!("{to}: {message}"))
        });
        self.edge().record(took, outcome.is_err());
        (asking.log)(Query {
            to: to.to_string(),
            command: command.to_owned(),
            count: 1,
            bytes,
            micros: micros(took),
            version: outcome.as_ref().ok().and_then(version),
            error: outcome.as_ref().err().map(|failure| failure.message.clone()),
        });
        outcome
    }
}

fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

/// Whether a reply is one to a user. That is how a component refuses a path that it does not know: who
/// does not know what peers hold must not pass for one who knows that there is nothing.
fn is_user_answer(reply: &CallResponse) -> bool {
    serde_json::from_slice::<Answer>(&reply.body).is_ok()
}

/// The JSON of a reply that succeeded.
fn parse_json<T: DeserializeOwned>(reply: &CallResponse) -> Result<T, HttpError> {
    if reply.status != StatusCode::OK {
        return Err(status_error(reply));
    }
    serde_json::from_slice(&reply.body).map_err(|error| {
        HttpError::bad_gateway(format!("the answer is not what was asked for: {error}"))
    })
}

/// What a reply that is no success means to those above.
fn status_error(reply: &CallResponse) -> HttpError {
    let text = String::from_utf8_lossy(&reply.body);
    let message = format!("answered {}: {}", reply.status, text.trim());
    match reply.status {
        status @ (StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT) => {
            HttpError::new(status, message)
        }
        _ => HttpError::bad_gateway(message),
    }
}

fn no_answer_error(error: &CallError) -> HttpError {
    match error {
        CallError::TimedOut { .. } => HttpError::gateway_timeout(error.to_string()),
        CallError::Unreachable { .. } | CallError::Invalid { .. } => {
            HttpError::bad_gateway(error.to_string())
        }
    }
}
