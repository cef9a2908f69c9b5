//! The HTTP client for requests to other peers.

use super::wire::{self, PeerRequest};
use crate::{
    peer::membership::Refusal,
    runtime::{add_recipient, lock},
};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Request, StatusCode,
    header::{CONTENT_TYPE, HeaderValue},
};
use maquette_contract::{ItemKey, Recipient};
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

/// Shorter than the server's, so that no request goes out on a connection that is being closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);
/// Idle connections that are kept to each peer.
const MAX_IDLE_CONNECTIONS: usize = 16;
/// The longest reason that is taken over from an error response.
const MAX_REASON_CHARS: usize = 300;

/// Why a peer sent no usable reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PeerRequestError {
    /// It is neither a member nor live.
    #[error("its address is unknown")]
    UnknownAddress,
    /// It could not be reached, or its connection broke.
    #[error("cannot reach it: {0}")]
    Unreachable(String),
    /// It did not reply in time.
    #[error("no answer within {0} ms")]
    Timeout(u128),
    /// It replied with an error.
    #[error("it answered {0}: {1}")]
    Refused(StatusCode, String),
    /// It takes no part in the operation: see [`crate::peer::membership::Fence`].
    #[error("{}", describe_refusal(.0))]
    Fenced(Refusal),
    /// It is of an earlier version, and cannot keep the item: see [`super::earlier_wire`].
    #[error("it is of an earlier version, which cannot keep what item {0} is now")]
    TooEarly(ItemKey),
    /// Its reply cannot be parsed.
    #[error("its answer is malformed: {0}")]
    Malformed(String),
}

impl PeerRequestError {
    /// Whether the peer does not know the path of the request.
    pub(super) fn is_unknown_path(&self) -> bool {
        matches!(self, Self::Refused(StatusCode::NOT_FOUND, _))
    }
}

fn describe_refusal(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::OtherLayouts(_) => "other members are in force there",
        Refusal::NoMember => "it is no member under this layout",
    }
}

/// The address of a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PeerAddress {
    /// `host:port`; the host is resolved for each new connection.
    pub(crate) address: String,
    /// The value of [`wire::PEER_HEADER`].
    pub(crate) peer: String,
    /// The component of the peers; none if the UID is unknown.
    pub(crate) recipient: Option<Recipient>,
}

/// The connections to one peer.
#[derive(Clone)]
struct PeerPool {
    number: u64,
    address: PeerAddress,
    client: ConnectionPool,
}

/// The connections to all other peers.
pub(crate) struct PeerClient {
    connect_timeout: Duration,
    pools: Mutex<BTreeMap<String, PeerPool>>,
    pools_created: AtomicU64,
}

impl PeerClient {
    /// Opens no connection yet; `connect_timeout` holds for each.
    pub(crate) fn new(connect_timeout: Duration) -> Self {
        Self { connect_timeout, pools: Mutex::default(), pools_created: AtomicU64::new(0) }
    }

    /// Sends a request to the peer `name` at `target`, once.
    pub(crate) async fn send_request<M: PeerRequest>(
        &self,
        name: &str,
        target: PeerAddress,
        message: &M,
        within: Duration,
    ) -> Result<M::Response, PeerRequestError> {
        let body = serde_json::to_vec(message).map_err(|error| malformed_reply(&error))?;
        let pool = self.pool_for(name, target);
        let reply = timeout(within, send(&pool, M::PATH, body.into())).await;
        let bytes = match reply {
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
    pub(crate) fn retain_peers(&self, keep: impl Fn(&str) -> bool) {
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

    /// After one connection failed the others to the same address will fail too. The next request
    /// resolves the name again.
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
    let mut request = Request::post(format!("http://{}{path}", pool.address.address))
        .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .header(wire::PEER_HEADER, &pool.address.peer)
        .body(Full::new(body))
        .map_err(|error| malformed_reply(&error))?;
    add_recipient(pool.address.recipient.as_ref(), request.headers_mut());
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
