//! Calls to one other component: its edge, its pooled HTTP/1.1 connections, deadlines and retries.
//!
//! Never repeats a call after its deadline, and never reads a response above
//! [`MAX_RESPONSE_BYTES`].

use super::{headers::RequestContext, recipient};
use crate::runtime::{Edge, EdgeTarget, Protocol, lock};
use http_body_util::Full;
use hyper::{
    Method, Request, StatusCode, Uri,
    body::Bytes,
    header::{CONTENT_TYPE, HeaderValue},
};
use maquette_contract::{Address, keys::HEADER_REPEATED};
use maquette_http_client::{
    Backoff, BodyError, ConnectionPool, PoolOptions, error_chain, read_body,
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::{Instant, sleep, timeout_at};

/// The bounds of the connections to one target.
const POOL_OPTIONS: PoolOptions = PoolOptions {
    connect_timeout: Duration::from_secs(1),
    // Shorter than the server's (HEAD_TIMEOUT in `serve`), so that the client closes first and no
    // request is sent into a connection that the server is closing.
    idle_timeout: Duration::from_secs(15),
    max_idle_per_host: 32,
    // A pod whose machine fails sends neither FIN nor RST.
    tcp_user_timeout: Some(Duration::from_secs(2)),
};
/// A connection leads to the same pod for its whole life. New connections after this time spread
/// the load over pods that were added.
const MAX_POOL_AGE: Duration = Duration::from_secs(30);
/// The largest response body, in bytes.
const MAX_RESPONSE_BYTES: usize = 32 << 20;
/// The pauses between attempts of one request.
pub(crate) const RETRY_BACKOFF: Backoff =
    Backoff::new(Duration::from_millis(20), Duration::from_millis(250));

/// A request to another component. It may be sent again: a connection that fails does not show
/// whether the target received the request. A write that is sent again is marked as repeated.
#[derive(Clone, Debug)]
pub struct CallRequest {
    /// The method, GET or PUT.
    pub method: Method,
    /// The path, with its leading slash.
    pub path: String,
    /// Trace, deadline and hops so far. Each attempt computes its headers from it.
    pub context: RequestContext,
    /// The body, JSON; empty for none.
    pub body: Bytes,
}

/// A response with any status.
#[derive(Clone, Debug)]
pub struct CallResponse {
    /// The status code, also 4xx and 5xx.
    pub status: StatusCode,
    /// The complete body, at most 32 MiB.
    pub body: Bytes,
}

/// Why a call has no response.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CallError {
    /// Every attempt until the deadline failed at its connection.
    #[error("cannot reach {address}: {reason}")]
    Unreachable {
        /// The address that was called.
        address: Address,
        /// The error of the last attempt.
        reason: String,
    },
    /// Another component answers at the address, until the deadline.
    #[error("{address} {reason}")]
    Misdirected {
        /// The address that was called.
        address: Address,
        /// Whose the address is, as the component there says.
        reason: String,
    },
    /// The target accepted the request and did not respond before the deadline.
    #[error("{address} did not answer within {} ms", after.as_millis())]
    TimedOut {
        /// The address that was called.
        address: Address,
        /// The time from the call's start to its deadline.
        after: Duration,
    },
    /// The request cannot be built or the response cannot be used; a retry cannot help.
    #[error("cannot call {address}: {reason}")]
    Invalid {
        /// The address that was called.
        address: Address,
        /// The error, with its causes.
        reason: String,
    },
}

/// A target: its edge and the connections to it. Dropping it closes them.
#[derive(Debug)]
pub struct Upstream {
    edge: Arc<Edge>,
    /// The pool and when it was created.
    pool: Mutex<(ConnectionPool, Instant)>,
}

impl Upstream {
    /// The component at `target`; its probes start now.
    pub fn new(target: EdgeTarget) -> Arc<Self> {
        let edge = Edge::new(target, Protocol::Http);
        Arc::new(Self { edge, pool: Mutex::new((POOL_OPTIONS.build(), Instant::now())) })
    }

    /// The edge to the target, for its traffic counts.
    pub fn edge(&self) -> &Arc<Edge> {
        &self.edge
    }

    /// Sends a request. After a failed connection it retries over a new one, to another pod if the
    /// target has several, until shortly before the deadline.
    ///
    /// # Errors
    /// If there is no response before the deadline, or one that cannot be used.
    pub async fn send_with_retries(&self, call: &CallRequest) -> Result<CallResponse, CallError> {
        let start = Instant::now();
        let deadline = call.context.upstream_deadline(start);
        let mut backoff = RETRY_BACKOFF;
        // Returned if the first attempt does not end before the deadline.
        let mut last_error = self.timed_out(deadline - start);
        let mut is_repeated = false;
        loop {
            let (pool, created) = self.current_pool();
            match timeout_at(deadline, self.send_attempt(&pool, call, is_repeated)).await {
                Ok(Ok(response)) => return Ok(response),
                Ok(Err(failure @ CallAttemptError::Permanent(_))) => {
                    return Err(self.call_error(failure));
                }
                Ok(Err(failure)) => {
                    is_repeated |= failure.may_be_received();
                    last_error = self.call_error(failure);
                }
                Err(_) => return Err(last_error),
            }
            self.replace_pool(created);
            let pause = backoff.next_pause();
            if Instant::now() + pause >= deadline {
                return Err(last_error);
            }
            sleep(pause).await;
        }
    }

    /// Sends a request once, as an end user's client does. Only an established connection that
    /// breaks, which long-lived ones do without a fault of the target, is replaced by a new one,
    /// one time. A refused connection is a failure.
    ///
    /// # Errors
    /// If there is no response before the deadline, or one that cannot be used.
    pub async fn send_once(&self, call: &CallRequest) -> Result<CallResponse, CallError> {
        let start = Instant::now();
        let deadline = call.context.upstream_deadline(start);
        let attempts = async {
            let (pool, created) = self.current_pool();
            match self.send_attempt(&pool, call, false).await {
                Err(
                    failure @ (CallAttemptError::ConnectionFailed { established: true, .. }
                    | CallAttemptError::Misdirected(_)),
                ) => {
                    self.replace_pool(created);
                    let is_repeated = failure.may_be_received();
                    self.send_attempt(&self.current_pool().0, call, is_repeated).await
                }
                outcome => outcome,
            }
        };
        match timeout_at(deadline, attempts).await {
            Ok(outcome) => outcome.map_err(|failure| self.call_error(failure)),
            Err(_) => Err(self.timed_out(deadline - start)),
        }
    }

    async fn send_attempt(
        &self,
        pool: &ConnectionPool,
        call: &CallRequest,
        is_repeated: bool,
    ) -> Result<CallResponse, CallAttemptError> {
        let uri = Uri::builder()
            .scheme("http")
            .authority(self.edge.address().0.as_str())
            .path_and_query(call.path.as_str())
            .build()
            .map_err(|error| CallAttemptError::Permanent(error.to_string()))?;
        let mut request = Request::new(Full::new(call.body.clone()));
        *request.method_mut() = call.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = call.context.upstream_headers(Instant::now());
        if is_repeated && call.method != Method::GET {
            request.headers_mut().insert(HEADER_REPEATED, HeaderValue::from_static("1"));
        }
        recipient::add_recipient(self.edge.target().recipient.as_ref(), request.headers_mut());
        if !call.body.is_empty() {
            let json = HeaderValue::from_static("application/json");
            request.headers_mut().insert(CONTENT_TYPE, json);
        }
        let (head, body) = match pool.request(request).await {
            Ok(response) => response.into_parts(),
            Err(error) => {
                let (established, reason) = (!error.is_connect(), error_chain(&error));
                return Err(CallAttemptError::ConnectionFailed { established, reason });
            }
        };
        match read_body(body, MAX_RESPONSE_BYTES).await {
            Ok(body) if head.status == StatusCode::MISDIRECTED_REQUEST => {
                Err(CallAttemptError::Misdirected(recipient::misdirected_reason(&body)))
            }
            Ok(body) => Ok(CallResponse { status: head.status, body }),
            Err(error @ BodyError::TooLarge { .. }) => {
                Err(CallAttemptError::Permanent(error.to_string()))
            }
            Err(error @ BodyError::Connection(_)) => {
                let reason = error_chain(&error);
                Err(CallAttemptError::ConnectionFailed { established: true, reason })
            }
        }
    }

    fn call_error(&self, failure: CallAttemptError) -> CallError {
        let address = self.edge.address().clone();
        match failure {
            CallAttemptError::ConnectionFailed { reason, .. } => {
                CallError::Unreachable { address, reason }
            }
            CallAttemptError::Misdirected(reason) => CallError::Misdirected { address, reason },
            CallAttemptError::Permanent(reason) => CallError::Invalid { address, reason },
        }
    }

    fn timed_out(&self, after: Duration) -> CallError {
        CallError::TimedOut { address: self.edge.address().clone(), after }
    }

    /// The pool to use, and when it was created.
    fn current_pool(&self) -> (ConnectionPool, Instant) {
        let mut current = lock(&self.pool);
        if current.1.elapsed() >= MAX_POOL_AGE {
            *current = (POOL_OPTIONS.build(), Instant::now());
        }
        current.clone()
    }

    /// Drops the pool that was created at `created`, unless it is replaced already. Where one
    /// connection failed, the others to the same pod fail too. Its requests in flight go on.
    fn replace_pool(&self, created: Instant) {
        let mut current = lock(&self.pool);
        if current.1 == created {
            *current = (POOL_OPTIONS.build(), Instant::now());
        }
    }
}

/// How one attempt failed.
enum CallAttemptError {
    /// The connection failed; a new one may work.
    ConnectionFailed {
        /// Whether the connection was established before it failed.
        established: bool,
        /// The error, with its causes.
        reason: String,
    },
    /// The connection led to another component, such as one that has the address of a pod that
    /// was deleted: a new connection may lead elsewhere (RFC 9110, 15.5.20).
    Misdirected(String),
    /// The request cannot be built or the response cannot be used.
    Permanent(String),
}

impl CallAttemptError {
    /// Whether the target may have received the request, and may still handle it.
    fn may_be_received(&self) -> bool {
        matches!(self, Self::ConnectionFailed { established: true, .. })
    }
}
