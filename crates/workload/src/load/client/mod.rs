//! Requests to one target, over connections that are kept.
//!
//! Unlike the calls of components, those of the load are not retried, and no pod is left out: the
//! load reports what users see.

pub(super) mod answer;
mod connection;

use super::{
    failure::{FailureKind, RequestFailure},
    suspension::SuspensionMeter,
};
use crate::runtime::{Edge, add_recipient, headers::RequestContext, misdirected_reason};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    HeaderMap, Method, Request, StatusCode, Uri,
    header::{CONTENT_TYPE, HOST, HeaderValue},
};
use maquette_http_client::{Connection, ExchangeError};
use std::{cell::RefCell, pin::pin, rc::Rc, sync::Arc, time::Duration};
use tokio::time::{Instant, timeout_at};

/// A connection without a request for longer is closed: before the server does, so that no request
/// is sent into a connection that is being closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);
/// A connection leads to the same pod for its whole life. New connections after this time spread
/// the load over pods that were added.
const MAX_AGE: Duration = Duration::from_secs(30);
/// The largest body of an answer, in bytes.
const MAX_BODY_BYTES: usize = 32 << 20;

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
    meter: Rc<SuspensionMeter>,
    /// The headers that are the same in all requests.
    headers: HeaderMap,
    /// The connections without a request and when they were used last; the last one is the newest.
    idle: RefCell<Vec<(Connection, Instant)>>,
}

/// Why an attempt has no answer.
enum SendAttemptError {
    /// The connection was established and broke, or leads to another component: a new one may work.
    Replaceable(RequestFailure),
    Final(RequestFailure),
}

impl SendAttemptError {
    fn into_failure(self) -> RequestFailure {
        match self {
            Self::Replaceable(failure) | Self::Final(failure) => failure,
        }
    }
}

impl TargetClient {
    pub(super) fn new(edge: Arc<Edge>, meter: Rc<SuspensionMeter>) -> Self {
        let mut headers = HeaderMap::new();
        add_recipient(edge.target().recipient.as_ref(), &mut headers);
        // An address that is no header value is no address: the connection fails.
        let host = HeaderValue::try_from(edge.address().0.as_str());
        headers.insert(HOST, host.unwrap_or(HeaderValue::from_static("invalid")));
        Self { edge, meter, headers, idle: RefCell::default() }
    }

    pub(super) fn edge(&self) -> &Arc<Edge> {
        &self.edge
    }

    /// Sends a request once, as an end user's client does. Only a connection that was established
    /// and breaks, which long-lived ones do without a fault of the target, is replaced, one time. A
    /// refused connection is a failure. The deadline is moved by the time in which the load is suspended.
    ///
    /// # Errors
    /// If there is no answer before the deadline, or one that cannot be used. If the load was suspended
    /// meanwhile, that it has none is no failure of the target.
    pub(super) async fn send(
        &self,
        request: &TargetRequest,
        context: &RequestContext,
    ) -> Result<(StatusCode, Bytes), RequestFailure> {
        let start = Instant::now();
        let suspended_before = self.meter.suspended_until(start.into_std());
        let suspended = || self.meter.suspended_until(Instant::now().into_std()) - suspended_before;
        let attempts = async {
            let outcome = match self.attempt(request, context, self.take_idle()).await {
                Err(SendAttemptError::Replaceable(_)) => {
                    // The others lead to the same pod.
                    self.idle.borrow_mut().clear();
                    self.attempt(request, context, None).await
                }
                outcome => outcome,
            };
            outcome.map_err(SendAttemptError::into_failure)
        };
        let mut attempts = pin!(attempts);
        let mut deadline = context.deadline;
        let outcome = loop {
            match timeout_at(deadline, attempts.as_mut()).await {
                Ok(outcome) => break outcome,
                Err(_) if context.deadline + suspended() > deadline => {
                    deadline = context.deadline + suspended();
                }
                Err(_) => break Err(self.timed_out(context.deadline - start)),
            }
        };
        outcome.map_err(|failure| match failure.kind {
            FailureKind::TimedOut | FailureKind::Unreachable if !suspended().is_zero() => {
                let (millis, reason) = (suspended().as_millis(), failure.reason);
                FailureKind::GeneratorLimit
                    .because(format!("the load was suspended for {millis} ms: {reason}"))
            }
            _ => failure,
        })
    }

    async fn attempt(
        &self,
        request: &TargetRequest,
        context: &RequestContext,
        idle: Option<Connection>,
    ) -> Result<(StatusCode, Bytes), SendAttemptError> {
        let request = self.http_request(request, context).map_err(|error| {
            SendAttemptError::Final(FailureKind::UnexpectedAnswer.because(error.to_string()))
        })?;
        let mut connection = match idle {
            Some(connection) => connection,
            None => {
                connection::connect(self.edge.address()).await.map_err(SendAttemptError::Final)?
            }
        };
        let answer = connection.exchange(request, MAX_BODY_BYTES).await;
        let (head, body) = answer.map_err(|error| self.attempt_error(&error))?.into_parts();
        if head.status == StatusCode::MISDIRECTED_REQUEST {
            let reason = format!("{} {}", self.edge.address(), misdirected_reason(&body));
            return Err(SendAttemptError::Replaceable(FailureKind::Unreachable.because(reason)));
        }
        if !connection.is_closed() && connection.age() < MAX_AGE {
            self.idle.borrow_mut().push((connection, Instant::now()));
        }
        Ok((head.status, body))
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

    /// The connection that was used last and is still open. Those that were idle for too long are
    /// closed.
    fn take_idle(&self) -> Option<Connection> {
        let mut idle = self.idle.borrow_mut();
        while let Some((connection, last_used)) = idle.pop() {
            if last_used.elapsed() >= IDLE_TIMEOUT {
                // Those below were used even earlier.
                idle.clear();
            } else if !connection.is_closed() && connection.age() < MAX_AGE {
                return Some(connection);
            }
        }
        None
    }

    fn timed_out(&self, after: Duration) -> RequestFailure {
        let (address, millis) = (self.edge.address(), after.as_millis());
        FailureKind::TimedOut.because(format!("{address} did not answer within {millis} ms"))
    }

    fn attempt_error(&self, error: &ExchangeError) -> SendAttemptError {
        let address = self.edge.address();
        match error {
            ExchangeError::NotSent(_) | ExchangeError::Interrupted(_) => {
                SendAttemptError::Replaceable(
                    FailureKind::Unreachable.because(format!("cannot reach {address}: {error}")),
                )
            }
            ExchangeError::TooLarge(_) => SendAttemptError::Final(
                FailureKind::UnexpectedAnswer.because(format!("cannot call {address}: {error}")),
            ),
        }
    }
}
