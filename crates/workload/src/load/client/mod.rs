//! Requests to one target, over connections that are kept.
//!
//! Each connection belongs to one request at a time, which drives it: no task in between, and no
//! lock. Never sends a request twice over connections that work.

pub(super) mod answer;
mod connection;

use super::failure::{FailureKind, RequestFailure};
use crate::runtime::{Edge, add_recipient, headers::RequestContext, misdirected_reason};
use bytes::Bytes;
use connection::{Connection, ConnectionError};
use http_body_util::Full;
use hyper::{
    HeaderMap, Method, Request, StatusCode, Uri,
    header::{CONTENT_TYPE, HOST, HeaderValue},
};
use std::{cell::RefCell, sync::Arc};
use tokio::time::{Instant, timeout_at};

/// A request to a target.
#[derive(Clone, Debug)]
pub(super) struct TargetRequest {
    pub(super) method: Method,
    /// The path, with its leading slash.
    pub(super) path: String,
    /// JSON; empty for none.
    pub(super) body: Bytes,
}

impl TargetRequest {
    /// A GET without a body.
    pub(super) fn get(path: String) -> Self {
        Self { method: Method::GET, path, body: Bytes::new() }
    }
}

/// A target and the connections to it. Dropping it closes those that are idle.
#[derive(Debug)]
pub(super) struct TargetClient {
    edge: Arc<Edge>,
    /// The headers that are the same in all requests.
    headers: HeaderMap,
    /// The connections without a request; the last one was used last.
    idle: RefCell<Vec<Connection>>,
}

/// Why an attempt has no answer.
enum AttemptError {
    /// The connection was established and broke, or leads to another component: a new one may work.
    Replaceable(RequestFailure),
    Final(RequestFailure),
}

impl AttemptError {
    fn into_failure(self) -> RequestFailure {
        match self {
            Self::Replaceable(failure) | Self::Final(failure) => failure,
        }
    }
}

impl TargetClient {
    pub(super) fn new(edge: Arc<Edge>) -> Self {
        let mut headers = HeaderMap::new();
        add_recipient(edge.target().recipient.as_ref(), &mut headers);
        // An address that is no header value is no address: the connection fails.
        let host = HeaderValue::try_from(edge.address().0.as_str());
        headers.insert(HOST, host.unwrap_or(HeaderValue::from_static("invalid")));
        Self { edge, headers, idle: RefCell::default() }
    }

    pub(super) fn edge(&self) -> &Arc<Edge> {
        &self.edge
    }

    /// Sends a request once, as an end user's client does. Only a connection that was established
    /// and breaks, which long-lived ones do without a fault of the target, is replaced, one time. A
    /// refused connection is a failure.
    ///
    /// # Errors
    /// If there is no answer before the deadline, or one that cannot be used.
    pub(super) async fn send(
        &self,
        request: &TargetRequest,
        context: &RequestContext,
    ) -> Result<(StatusCode, Bytes), RequestFailure> {
        let start = Instant::now();
        let attempts = async {
            let outcome = match self.attempt(request, context, self.take_idle()).await {
                Err(AttemptError::Replaceable(_)) => {
                    // The others lead to the same pod.
                    self.idle.borrow_mut().clear();
                    self.attempt(request, context, None).await
                }
                outcome => outcome,
            };
            outcome.map_err(AttemptError::into_failure)
        };
        timeout_at(context.deadline, attempts).await.unwrap_or_else(|_| {
            let (address, after) = (self.edge.address(), (context.deadline - start).as_millis());
            Err(FailureKind::TimedOut
                .because(format!("{address} did not answer within {after} ms")))
        })
    }

    async fn attempt(
        &self,
        request: &TargetRequest,
        context: &RequestContext,
        idle: Option<Connection>,
    ) -> Result<(StatusCode, Bytes), AttemptError> {
        let request = self.http_request(request, context).map_err(|error| {
            AttemptError::Final(FailureKind::UnexpectedAnswer.because(error.to_string()))
        })?;
        let mut connection = match idle {
            Some(connection) => connection,
            None => {
                let opened = Connection::open(&self.edge.address().0).await;
                opened.map_err(|error| self.attempt_error(error))?
            }
        };
        let answer = connection.exchange(request).await;
        let (status, body) = answer.map_err(|error| self.attempt_error(error))?;
        if status == StatusCode::MISDIRECTED_REQUEST {
            let reason = format!("{} {}", self.edge.address(), misdirected_reason(&body));
            return Err(AttemptError::Replaceable(FailureKind::Unreachable.because(reason)));
        }
        if connection.is_reusable() {
            self.idle.borrow_mut().push(connection);
        }
        Ok((status, body))
    }

    fn http_request(
        &self,
        request: &TargetRequest,
        context: &RequestContext,
    ) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
        let mut built = Request::new(Full::new(request.body.clone()));
        *built.method_mut() = request.method.clone();
        *built.uri_mut() = Uri::try_from(request.path.as_str())?;
        let headers = built.headers_mut();
        *headers = context.upstream_headers(Instant::now());
        headers.extend(self.headers.clone());
        if !request.body.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        Ok(built)
    }

    /// The connection that was used last, if it is still open. Those that were idle for too long are
    /// closed.
    fn take_idle(&self) -> Option<Connection> {
        let mut idle = self.idle.borrow_mut();
        while let Some(mut connection) = idle.pop() {
            if connection.has_expired() {
                // Those below were used even earlier.
                idle.clear();
            } else if connection.is_reusable() {
                return Some(connection);
            }
        }
        None
    }

    fn attempt_error(&self, error: ConnectionError) -> AttemptError {
        let address = self.edge.address();
        match error {
            ConnectionError::NotOpened(reason) => AttemptError::Final(
                FailureKind::Unreachable.because(format!("cannot reach {address}: {reason}")),
            ),
            ConnectionError::LocalLimit(reason) => AttemptError::Final(
                FailureKind::GeneratorLimit
                    .because(format!("cannot connect to {address}: {reason}")),
            ),
            ConnectionError::Broken(reason) => AttemptError::Replaceable(
                FailureKind::Unreachable.because(format!("cannot reach {address}: {reason}")),
            ),
            ConnectionError::Unusable(reason) => AttemptError::Final(
                FailureKind::UnexpectedAnswer.because(format!("cannot call {address}: {reason}")),
            ),
        }
    }
}
