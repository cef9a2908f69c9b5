//! Asking other peers.

use super::wire::{self, Message};
use crate::runtime::lock;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Request, StatusCode,
    header::{CONTENT_TYPE, HeaderValue},
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use std::{
    collections::BTreeMap,
    error::Error,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::timeout;

/// Idle connections are closed well before the other end does so.
const IDLE: Duration = Duration::from_secs(15);
/// Idle connections kept to each peer.
const MAX_IDLE: usize = 16;
/// The longest refusal that is told.
const MAX_REASON: usize = 300;

/// Why a peer did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum AskError {
    /// Nobody knows where it is.
    #[error("nobody knows an address of it")]
    Unknown,
    /// It could not be reached, or its connection broke.
    #[error("cannot reach it: {0}")]
    Unreachable(String),
    /// It did not answer in time.
    #[error("no answer within {0} ms")]
    Late(u128),
    /// It answered with an error.
    #[error("it answered {0}: {1}")]
    Refused(StatusCode, String),
    /// What it answered makes no sense.
    #[error("its answer is malformed: {0}")]
    Malformed(String),
}

/// Where a peer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// `host:port`; the host is resolved for each new connection.
    pub(super) address: String,
    /// Whom requests are meant for; see [`wire::TO`].
    pub(super) to: String,
}

/// The connections to one peer.
#[derive(Clone)]
struct Pool {
    number: u64,
    target: Target,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// The connections to all other peers.
pub(super) struct Fellows {
    connect: Duration,
    pools: Mutex<BTreeMap<String, Pool>>,
    made: AtomicU64,
}

impl Fellows {
    /// No connections; each may take this long to come about.
    pub(super) fn new(connect: Duration) -> Self {
        Self { connect, pools: Mutex::default(), made: AtomicU64::new(0) }
    }

    /// Asks the peer `name` at `target`, once.
    pub(super) async fn ask<M: Message>(
        &self,
        name: &str,
        target: Target,
        message: &M,
        within: Duration,
    ) -> Result<M::Answer, AskError> {
        let body = serde_json::to_vec(message).map_err(|error| malformed(&error))?;
        let pool = self.pool(name, target);
        let asked = timeout(within, send(&pool, M::PATH, body.into())).await;
        let bytes = match asked {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(error @ AskError::Refused(..))) => return Err(error),
            Ok(Err(error)) => {
                self.forget(name, pool.number);
                return Err(error);
            }
            Err(_) => {
                self.forget(name, pool.number);
                return Err(AskError::Late(within.as_millis()));
            }
        };
        serde_json::from_slice(&bytes).map_err(|error| malformed(&error))
    }

    /// Closes the connections to peers other than these.
    pub(super) fn retain(&self, keep: impl Fn(&str) -> bool) {
        lock(&self.pools).retain(|name, _| keep(name));
    }

    fn pool(&self, name: &str, target: Target) -> Pool {
        let mut pools = lock(&self.pools);
        match pools.get(name).filter(|pool| pool.target == target) {
            Some(pool) => pool.clone(),
            None => {
                let number = self.made.fetch_add(1, Ordering::Relaxed);
                let pool = Pool { number, target, client: self.client() };
                pools.insert(name.to_owned(), pool.clone());
                pool
            }
        }
    }

    /// Where one connection failed the others lead to the same dead end: new ones are made, to
    /// where the name leads by then.
    fn forget(&self, name: &str, number: u64) {
        lock(&self.pools).retain(|known, pool| known != name || pool.number != number);
    }

    fn client(&self) -> Client<HttpConnector, Full<Bytes>> {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(self.connect));
        connector.set_nodelay(true);
        Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(MAX_IDLE)
            .build(connector)
    }
}

async fn send(pool: &Pool, path: &str, body: Bytes) -> Result<Bytes, AskError> {
    let request = Request::post(format!("http://{}{path}", pool.target.address))
        .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .header(wire::TO, &pool.target.to)
        .body(Full::new(body))
        .map_err(|error| malformed(&error))?;
    let unreachable = |error: &dyn Error| AskError::Unreachable(causes(error));
    let response = pool.client.request(request).await.map_err(|error| unreachable(&error))?;
    let (head, body) = response.into_parts();
    let body = Limited::new(body, wire::MAX_BODY).collect().await;
    let bytes = body.map_err(|error| unreachable(error.as_ref()))?.to_bytes();
    if head.status.is_success() {
        return Ok(bytes);
    }
    let reason = String::from_utf8_lossy(&bytes).chars().take(MAX_REASON).collect();
    Err(AskError::Refused(head.status, reason))
}

fn malformed(error: &dyn Error) -> AskError {
    AskError::Malformed(causes(error))
}

/// The error and what caused it.
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
