//! Pooled HTTP/1.1 connections to one target.

use super::{Edge, edge::Protocol, headers::Context, lock};
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
const SIGN_OF_LIFE: Duration = Duration::from_secs(2);
/// A connection leads to one pod for as long as it lives: after this time new ones are made, so
/// that pods that were added get their share.
const MAX_AGE: Duration = Duration::from_secs(30);
/// Idle connections are closed well before the other end does so (see `serve`).
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);
/// Idle connections kept.
const MAX_IDLE: usize = 32;
/// The largest answer accepted, in bytes.
const MAX_ANSWER: usize = 32 << 20;
/// The first and the longest pause before an attempt is repeated.
pub(crate) const BACKOFF: (Duration, Duration) =
    (Duration::from_millis(20), Duration::from_millis(250));

/// A request to a target. It must be safe to make twice: where a connection fails, nobody knows
/// whether the other end has seen the request, and it is made again.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// GET or PUT.
    pub method: Method,
    /// The path, with its leading slash.
    pub path: String,
    /// The trace, the deadline and the hops so far: its headers are made anew for each attempt.
    pub context: Context,
    /// The body, JSON; empty for none.
    pub body: Bytes,
}

/// An answer, whatever its status.
#[derive(Clone, Debug)]
pub struct Reply {
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
    Late {
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

type Pool = Client<HttpConnector, Full<Bytes>>;

/// A target: its edge and the connections to it. Dropping it closes them.
#[derive(Debug)]
pub struct Upstream {
    edge: Arc<Edge>,
    pool: Mutex<(Pool, Instant)>,
}

impl Upstream {
    /// The target at `address`, the component `to`; its probes begin now.
    pub fn new(to: ComponentName, address: Address) -> Arc<Self> {
        let edge = Edge::new(to, address, Protocol::Http);
        Arc::new(Self { edge, pool: Mutex::new((pool(), Instant::now())) })
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
    pub async fn send(&self, outgoing: &Outgoing) -> Result<Reply, CallError> {
        let start = Instant::now();
        let deadline = outgoing.context.deadline_below(start);
        let address = || self.edge.address().clone();
        let mut pause = BACKOFF.0;
        let mut late = CallError::Late { address: address(), after: deadline - start };
        loop {
            let (pool, born) = self.current();
            let Ok(outcome) = timeout_at(deadline, self.attempt(&pool, outgoing)).await else {
                return Err(late);
            };
            let reason = match outcome {
                Ok(reply) => return Ok(reply),
                Err(Attempt::Final(reason)) => {
                    return Err(CallError::Invalid { address: address(), reason });
                }
                Err(Attempt::Connection { reason, .. }) => reason,
            };
            self.renew(born);
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
    pub async fn send_as_user(&self, outgoing: &Outgoing) -> Result<Reply, CallError> {
        let start = Instant::now();
        let deadline = outgoing.context.deadline_below(start);
        let address = || self.edge.address().clone();
        let twice = async {
            let (pool, born) = self.current();
            match self.attempt(&pool, outgoing).await {
                Err(Attempt::Connection { made: true, .. }) => {
                    self.renew(born);
                    self.attempt(&self.current().0, outgoing).await
                }
                outcome => outcome,
            }
        };
        match timeout_at(deadline, twice).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(Attempt::Connection { reason, .. })) => {
                Err(CallError::Unreachable { address: address(), reason })
            }
            Ok(Err(Attempt::Final(reason))) => {
                Err(CallError::Invalid { address: address(), reason })
            }
            Err(_) => Err(CallError::Late { address: address(), after: deadline - start }),
        }
    }

    async fn attempt(&self, pool: &Pool, outgoing: &Outgoing) -> Result<Reply, Attempt> {
        let uri = Uri::builder()
            .scheme("http")
            .authority(self.edge.address().0.as_str())
            .path_and_query(outgoing.path.as_str())
            .build()
            .map_err(|error| Attempt::Final(error.to_string()))?;
        let mut request = Request::new(Full::new(outgoing.body.clone()));
        *request.method_mut() = outgoing.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = outgoing.context.headers_below(Instant::now());
        if !outgoing.body.is_empty() {
            let json = HeaderValue::from_static("application/json");
            request.headers_mut().insert(CONTENT_TYPE, json);
        }
        let response = pool.request(request).await;
        let response = response.map_err(|error| Attempt::Connection {
            made: !error.is_connect(),
            reason: causes(&error),
        })?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() {
                return Attempt::Final(format!("the answer is larger than {MAX_ANSWER} bytes"));
            }
            Attempt::Connection { made: true, reason: causes(error.as_ref()) }
        })?;
        Ok(Reply { status: head.status, headers: head.headers, body: body.to_bytes() })
    }

    /// The pool to use, and when it was made.
    fn current(&self) -> (Pool, Instant) {
        let mut current = lock(&self.pool);
        if current.1.elapsed() >= MAX_AGE {
            *current = (pool(), Instant::now());
        }
        current.clone()
    }

    /// Drops the pool that was made at `born`: where one connection failed, the others to the same
    /// pod will fail too. Requests under way on them go on.
    fn renew(&self, born: Instant) {
        let mut current = lock(&self.pool);
        if current.1 == born {
            *current = (pool(), Instant::now());
        }
    }
}

/// How an attempt failed.
enum Attempt {
    /// The connection: worth another one.
    Connection {
        /// Whether there was one.
        made: bool,
        /// What went wrong with it.
        reason: String,
    },
    /// The request or the answer.
    Final(String),
}

fn pool() -> Pool {
    // Names are resolved anew for each connection.
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
    connector.set_nodelay(true);
    connector.set_tcp_user_timeout(Some(SIGN_OF_LIFE));
    connector.set_keepalive(Some(SIGN_OF_LIFE));
    connector.set_keepalive_interval(Some(SIGN_OF_LIFE / 2));
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(MAX_IDLE)
        .build(connector)
}

/// The error and what caused it: the cause is what tells a person something.
fn causes(error: &dyn Error) -> String {
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
