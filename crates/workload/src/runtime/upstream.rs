//! Pooled HTTP/1.1 connections to one target.

use super::{Edge, edge::Protocol, headers::RequestContext, lock};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    HeaderMap, Method, Request, StatusCode, Uri,
    body::Bytes,
    header::{CONTENT_TYPE, HeaderValue},
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use maquette_contract::{Address, ComponentName};
use std::{
    error::Error,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::{Instant, sleep, timeout_at};

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long the other end's system may leave what was sent, or a question whether it still lives,
/// without a sign: a pod whose machine is gone tells nobody that it is.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(2);
/// A connection leads to one pod for as long as it lives: after this time new ones are made, so
/// that pods that were added get their share.
const MAX_POOL_AGE: Duration = Duration::from_secs(30);
/// Idle connections are closed well before the other end does so (see `serve`).
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);
/// Idle connections kept.
const MAX_IDLE: usize = 32;
/// The largest answer accepted, in bytes.
const MAX_RESPONSE_BYTES: usize = 32 << 20;
/// The first and the longest pause before an attempt is repeated.
pub(crate) const BACKOFF: (Duration, Duration) =
    (Duration::from_millis(20), Duration::from_millis(250));

/// A request to a target. It must be safe to make twice: where a connection fails, nobody knows
/// whether the other end has seen the request, and it is made again.
#[derive(Clone, Debug)]
pub struct CallRequest {
    /// GET or PUT.
    pub method: Method,
    /// The path, with its leading slash.
    pub path: String,
    /// The trace, the deadline and the hops so far: its headers are made anew for each attempt.
    pub context: RequestContext,
    /// The body, JSON; empty for none.
    pub body: Bytes,
}

/// An answer, whatever its status.
#[derive(Clone, Debug)]
pub struct CallResponse {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CallError {
    /// No connection held for as long as a request takes, time after time until the deadline.
    #[error("cannot reach {address}: {reason}")]
    Unreachable {
        /// The target.
        address: Address,
        /// The newest failure.
        reason: String,
    },
    /// The target has the request but did not answer in time.
    #[error("{address} did not answer within {} ms", after.as_millis())]
    TimedOut {
        /// The target.
        address: Address,
        /// How long it had.
        after: Duration,
    },
    /// The request cannot be made, or the answer not be taken, however often one tries.
    #[error("cannot call {address}: {reason}")]
    Invalid {
        /// The target.
        address: Address,
        /// Why.
        reason: String,
    },
}

type ConnectionPool = Client<HttpConnector, Full<Bytes>>;

/// A target: its edge and the connections to it. Dropping it closes them.
#[derive(Debug)]
pub struct Upstream {
    edge: Arc<Edge>,
    pool: Mutex<(ConnectionPool, Instant)>,
}

impl Upstream {
    /// The target at `address`, the component `to`; its probes begin now.
    pub fn new(to: ComponentName, address: Address) -> Arc<Self> {
        let edge = Edge::new(to, address, Protocol::Http);
        Arc::new(Self { edge, pool: Mutex::new((new_pool(), Instant::now())) })
    }

    /// The edge to the target.
    pub fn edge(&self) -> &Arc<Edge> {
        &self.edge
    }

    /// Makes a request. A connection that fails is replaced by a new one, to another pod if there
    /// is one, until shortly before the deadline.
    ///
    /// # Errors
    /// If there is no answer before the deadline, or one that cannot be used.
    pub async fn send_with_retries(
        &self,
        outgoing: &CallRequest,
    ) -> Result<CallResponse, CallError> {
        let start = Instant::now();
        let deadline = outgoing.context.upstream_deadline(start);
        let address = || self.edge.address().clone();
        let mut pause = BACKOFF.0;
        let mut late = CallError::TimedOut { address: address(), after: deadline - start };
        loop {
            let (pool, born) = self.current_pool();
            let Ok(outcome) = timeout_at(deadline, self.send_attempt(&pool, outgoing)).await else {
                return Err(late);
            };
            let reason = match outcome {
                Ok(reply) => return Ok(reply),
                Err(CallAttemptError::Permanent(reason)) => {
                    return Err(CallError::Invalid { address: address(), reason });
                }
                Err(CallAttemptError::ConnectionFailed { reason, .. }) => reason,
            };
            self.replace_pool(born);
            late = CallError::Unreachable { address: address(), reason };
            if Instant::now() + pause >= deadline {
                return Err(late);
            }
            sleep(pause).await;
            pause = (pause * 2).min(BACKOFF.1);
        }
    }

    /// Makes a request as an end user's program does: once. Only if a connection breaks that was
    /// there, as one that has long been open may do for no fault of the target, it is made once more
    /// over a new one; that nobody takes a connection is a failure.
    ///
    /// # Errors
    /// If there is no answer before the deadline, or one that cannot be used.
    pub async fn send_once(&self, outgoing: &CallRequest) -> Result<CallResponse, CallError> {
        let start = Instant::now();
        let deadline = outgoing.context.upstream_deadline(start);
        let address = || self.edge.address().clone();
        let twice = async {
            let (pool, born) = self.current_pool();
            match self.send_attempt(&pool, outgoing).await {
                Err(CallAttemptError::ConnectionFailed { made: true, .. }) => {
                    self.replace_pool(born);
                    self.send_attempt(&self.current_pool().0, outgoing).await
                }
                outcome => outcome,
            }
        };
        match timeout_at(deadline, twice).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(CallAttemptError::ConnectionFailed { reason, .. })) => {
                Err(CallError::Unreachable { address: address(), reason })
            }
            Ok(Err(CallAttemptError::Permanent(reason))) => {
                Err(CallError::Invalid { address: address(), reason })
            }
            Err(_) => Err(CallError::TimedOut { address: address(), after: deadline - start }),
        }
    }

    async fn send_attempt(
        &self,
        pool: &ConnectionPool,
        outgoing: &CallRequest,
    ) -> Result<CallResponse, CallAttemptError> {
        let uri = Uri::builder()
            .scheme("http")
            .authority(self.edge.address().0.as_str())
            .path_and_query(outgoing.path.as_str())
            .build()
            .map_err(|error| CallAttemptError::Permanent(error.to_string()))?;
        let mut request = Request::new(Full::new(outgoing.body.clone()));
        *request.method_mut() = outgoing.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = outgoing.context.upstream_headers(Instant::now());
        if !outgoing.body.is_empty() {
            let json = HeaderValue::from_static("application/json");
            request.headers_mut().insert(CONTENT_TYPE, json);
        }
        let response = pool.request(request).await;
        let response = response.map_err(|error| CallAttemptError::ConnectionFailed {
            made: !error.is_connect(),
            reason: error_chain(&error),
        })?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MAX_RESPONSE_BYTES).collect().await.map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() {
                return CallAttemptError::Permanent(format!(
                    "the answer is larger than {MAX_RESPONSE_BYTES} bytes"
                ));
            }
            CallAttemptError::ConnectionFailed { made: true, reason: error_chain(error.as_ref()) }
        })?;
        Ok(CallResponse { status: head.status, headers: head.headers, body: body.to_bytes() })
    }

    /// The pool to use, and when it was made.
    fn current_pool(&self) -> (ConnectionPool, Instant) {
        let mut current = lock(&self.pool);
        if current.1.elapsed() >= MAX_POOL_AGE {
            *current = (new_pool(), Instant::now());
        }
        current.clone()
    }

    /// Drops the pool that was made at `born`: where one connection failed, the others to the same
    /// pod will fail too. Requests under way on them go on.
    fn replace_pool(&self, born: Instant) {
        let mut current = lock(&self.pool);
        if current.1 == born {
            *current = (new_pool(), Instant::now());
        }
    }
}

/// How an attempt failed.
enum CallAttemptError {
    /// The connection: worth another one.
    ConnectionFailed {
        /// Whether there was one.
        made: bool,
        /// What went wrong with it.
        reason: String,
    },
    /// The request or the answer.
    Permanent(String),
}

fn new_pool() -> ConnectionPool {
    // Names are resolved anew for each connection.
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
    connector.set_nodelay(true);
    connector.set_tcp_user_timeout(Some(TCP_USER_TIMEOUT));
    connector.set_keepalive(Some(TCP_USER_TIMEOUT));
    connector.set_keepalive_interval(Some(TCP_USER_TIMEOUT / 2));
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(MAX_IDLE)
        .build(connector)
}

/// The error and what caused it: the cause is what tells a person something.
fn error_chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
