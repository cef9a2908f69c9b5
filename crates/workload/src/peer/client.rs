//! Asking other peers.

use super::wire::{self, PeerRequest};
use crate::runtime::lock;
use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Request, StatusCode,
    header::{CONTENT_TYPE, HeaderValue},
};
use maquette_http_client::{ConnectionPool, PoolOptions, error_chain, read_body};
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
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);
/// Idle connections kept to each peer.
const MAX_IDLE_CONNECTIONS: usize = 16;
/// The longest refusal that is told.
const MAX_REASON_CHARS: usize = 300;

/// Why a peer did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PeerRequestError {
    /// Nobody knows where it is.
    #[error("nobody knows an address of it")]
    UnknownAddress,
    /// It could not be reached, or its connection broke.
    #[error("cannot reach it: {0}")]
    Unreachable(String),
    /// It did not answer in time.
    #[error("no answer within {0} ms")]
    Timeout(u128),
    /// It answered with an error.
    #[error("it answered {0}: {1}")]
    Refused(StatusCode, String),
    /// What it answered makes no sense.
    #[error("its answer is malformed: {0}")]
    Malformed(String),
}

/// Where a peer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PeerAddress {
    /// `host:port`; the host is resolved for each new connection.
    pub(super) address: String,
    /// Whom requests are meant for; see [`wire::TO`].
    pub(super) recipient: String,
}

/// The connections to one peer.
#[derive(Clone)]
struct PeerPool {
    number: u64,
    address: PeerAddress,
    client: ConnectionPool,
}

/// The connections to all other peers.
pub(super) struct PeerClient {
    connect_timeout: Duration,
    pools: Mutex<BTreeMap<String, PeerPool>>,
    pools_created: AtomicU64,
}

impl PeerClient {
    /// No connections; each may take this long to come about.
    pub(super) fn new(connect_timeout: Duration) -> Self {
        Self { connect_timeout, pools: Mutex::default(), pools_created: AtomicU64::new(0) }
    }

    /// Asks the peer `name` at `target`, once.
    pub(super) async fn send_request<M: PeerRequest>(
        &self,
        name: &str,
        target: PeerAddress,
        message: &M,
        within: Duration,
    ) -> Result<M::Response, PeerRequestError> {
        let body = serde_json::to_vec(message).map_err(|error| malformed_reply(&error))?;
        let pool = self.pool_for(name, target);
        let asked = timeout(within, send(&pool, M::PATH, body.into())).await;
        let bytes = match asked {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(error @ PeerRequestError::Refused(..))) => return Err(error),
            Ok(Err(error)) => {
                self.discard_pool(name, pool.number);
                return Err(error);
            }
            Err(_) => {
                self.discard_pool(name, pool.number);
                return Err(PeerRequestError::Timeout(within.as_millis()));
            }
        };
        serde_json::from_slice(&bytes).map_err(|error| malformed_reply(&error))
    }

    /// Closes the connections to peers other than these.
    pub(super) fn retain_peers(&self, keep: impl Fn(&str) -> bool) {
        lock(&self.pools).retain(|name, _| keep(name));
    }

    fn pool_for(&self, name: &str, target: PeerAddress) -> PeerPool {
        let mut pools = lock(&self.pools);
        match pools.get(name).filter(|pool| pool.address == target) {
            Some(pool) => pool.clone(),
            None => {
                let number = self.pools_created.fetch_add(1, Ordering::Relaxed);
                let pool = PeerPool { number, address: target, client: self.build_client() };
                pools.insert(name.to_owned(), pool.clone());
                pool
            }
        }
    }

    /// Where one connection failed the others lead to the same dead end: new ones are made, to
    /// where the name leads by then.
    fn discard_pool(&self, name: &str, number: u64) {
        lock(&self.pools).retain(|known, pool| known != name || pool.number != number);
    }

    fn build_client(&self) -> ConnectionPool {
        let options = PoolOptions {
            connect_timeout: self.connect_timeout,
            idle_timeout: IDLE_TIMEOUT,
            max_idle_per_host: MAX_IDLE_CONNECTIONS,
            // Every message has a deadline of its own, after which its pool is discarded.
            tcp_user_timeout: None,
        };
        options.build()
    }
}

async fn send(pool: &PeerPool, path: &str, body: Bytes) -> Result<Bytes, PeerRequestError> {
    let request = Request::post(format!("http://{}{path}", pool.address.address))
        .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .header(wire::RECIPIENT_HEADER, &pool.address.recipient)
        .body(Full::new(body))
        .map_err(|error| malformed_reply(&error))?;
    let response = pool.client.request(request).await.map_err(|error| unreachable(&error))?;
    let (head, body) = response.into_parts();
    let bytes = read_body(body, wire::MAX_BODY_BYTES).await.map_err(|error| unreachable(&error))?;
    if head.status.is_success() {
        return Ok(bytes);
    }
    let reason = String::from_utf8_lossy(&bytes).chars().take(MAX_REASON_CHARS).collect();
    Err(PeerRequestError::Refused(head.status, reason))
}

fn unreachable(error: &(dyn Error + 'static)) -> PeerRequestError {
    PeerRequestError::Unreachable(error_chain(error))
}

fn malformed_reply(error: &(dyn Error + 'static)) -> PeerRequestError {
    PeerRequestError::Malformed(error_chain(error))
}
