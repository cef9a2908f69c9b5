//! The HTTP client for requests to other peers.

use super::wire::{self, PeerRequest};
use crate::{
    peer::membership::Refusal,
    runtime::{CONNECT_OPTIONS, add_recipient, lock},
};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    HeaderMap, Method, Request, StatusCode,
    header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue},
    http::uri::PathAndQuery,
};
use maquette_contract::{ItemKey, Recipient, keys::HEADER_POD};
use maquette_http_client::{ConnectOptions, TargetOptions, TargetPool, Try, error_chain};
use std::{
    collections::BTreeMap,
    error::Error,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::timeout;

/// Shorter than the server's, so that no request goes out on a connection that is being closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);
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

/// The connections to one peer. When it is dropped, those that are idle are closed.
struct PeerPool {
    address: PeerAddress,
    /// The headers that are the same in all requests.
    headers: HeaderMap,
    target: Arc<TargetPool>,
}

/// The connections to all other peers.
pub(crate) struct PeerClient {
    connect_timeout: Duration,
    pools: Mutex<BTreeMap<String, Arc<PeerPool>>>,
}

impl PeerClient {
    /// Opens no connection yet; `connect_timeout` holds for each.
    pub(crate) fn new(connect_timeout: Duration) -> Self {
        Self { connect_timeout, pools: Mutex::default() }
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
        let pool = self.pool_for(name, target)?;
        let reply = timeout(within, send(&pool, M::PATH, body.into())).await;
        let bytes = match reply {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(error @ PeerRequestError::Refused(..))) => return Err(error),
            Ok(Err(error)) => {
                self.discard_pool(name, &pool);
                return Err(error);
            }
            Err(_) => {
                self.discard_pool(name, &pool);
                return Err(PeerRequestError::Timeout(within.as_millis()));
            }
        };
        serde_json::from_slice(&bytes).map_err(|error| malformed_reply(&error))
    }

    /// Closes the connections to peers other than these.
    pub(crate) fn retain_peers(&self, keep: impl Fn(&str) -> bool) {
        lock(&self.pools).retain(|name, _| keep(name));
    }

    fn pool_for(
        &self,
        name: &str,
        address: PeerAddress,
    ) -> Result<Arc<PeerPool>, PeerRequestError> {
        let mut pools = lock(&self.pools);
        if let Some(pool) = pools.get(name).filter(|pool| pool.address == address) {
            return Ok(Arc::clone(pool));
        }
        let pool = Arc::new(PeerPool::new(address, self.connect_timeout)?);
        pools.insert(name.to_owned(), Arc::clone(&pool));
        Ok(pool)
    }

    /// After one connection failed the others to the same address will fail too. The next request
    /// resolves the name again.
    fn discard_pool(&self, name: &str, failed: &Arc<PeerPool>) {
        lock(&self.pools).retain(|known, pool| known != name || !Arc::ptr_eq(pool, failed));
    }
}

impl PeerPool {
    fn new(address: PeerAddress, connect_timeout: Duration) -> Result<Self, PeerRequestError> {
        let value = |text: &str| HeaderValue::from_str(text).map_err(|error| unreachable(&error));
        let mut headers = HeaderMap::new();
        headers.insert(HOST, value(&address.address)?);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(wire::PEER_HEADER, value(&address.peer)?);
        add_recipient(address.recipient.as_ref(), &mut headers);
        let options = TargetOptions {
            connect: ConnectOptions { connect_timeout, ..CONNECT_OPTIONS },
            idle_timeout: IDLE_TIMEOUT,
            // There is no other pod to spread requests over.
            max_age: Duration::MAX,
            pod_header: HeaderName::from_static(HEADER_POD),
        };
        let ping_headers = headers.clone();
        let target = TargetPool::new(address.address.clone(), options, move || {
            build_request(&ping_headers, wire::GetTransition::PATH, Bytes::from_static(b"{}"))
        });
        Ok(Self { address, headers, target })
    }
}

fn build_request(headers: &HeaderMap, path: &'static str, body: Bytes) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = PathAndQuery::from_static(path).into();
    *request.headers_mut() = headers.clone();
    request
}

async fn send(pool: &PeerPool, path: &'static str, body: Bytes) -> Result<Bytes, PeerRequestError> {
    let build = || build_request(&pool.headers, path, body.clone());
    let exchange = pool.target.exchange(&Try::default(), build, wire::MAX_BODY_BYTES).await;
    let (head, body) = exchange.map_err(|error| unreachable(&error))?.into_parts();
    if head.status.is_success() {
        return Ok(body);
    }
    let reason = String::from_utf8_lossy(&body).chars().take(MAX_REASON_CHARS).collect();
    Err(PeerRequestError::Refused(head.status, reason))
}

fn unreachable(error: &(dyn Error + 'static)) -> PeerRequestError {
    PeerRequestError::Unreachable(error_chain(error))
}

fn malformed_reply(error: &(dyn Error + 'static)) -> PeerRequestError {
    PeerRequestError::Malformed(error_chain(error))
}
