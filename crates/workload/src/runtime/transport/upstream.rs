//! Calls to one other component: its edge, its connections, deadlines, tries and retries.
//!
//! A call has several tries within its deadline. A try that breaks is followed by the next after a
//! pause; one that has no answer in its part of the time goes on while the next is sent to another
//! pod, and the first answer counts. A write carries an id by which its owner makes it once.
//!
//! Never repeats a call after its deadline, and never reads a response above
//! [`MAX_RESPONSE_BYTES`].

use super::{
    call::{CallError, CallRequest, CallResponse, TryError},
    recipient,
    tries::{TryCounts, TrySender},
};
use crate::runtime::{Edge, EdgeTarget, Protocol};
use http_body_util::Full;
use hyper::{
    Method, Request, StatusCode,
    body::Bytes,
    header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue},
    http::uri::PathAndQuery,
};
use maquette_contract::{
    Address,
    keys::{HEADER_POD, HEADER_RECIPIENT, HEADER_REPEATED},
};
use maquette_http_client::{ConnectOptions, ExchangeError, TargetOptions, TargetPool, Try};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// The bounds of each connection of this process.
pub(crate) const CONNECT_OPTIONS: ConnectOptions = ConnectOptions {
    connect_timeout: Duration::from_secs(1),
    // A pod whose machine fails sends neither FIN nor RST.
    tcp_user_timeout: Duration::from_secs(2),
};
/// The bounds of the connections to one target.
const TARGET_OPTIONS: TargetOptions = TargetOptions {
    connect: CONNECT_OPTIONS,
    // Shorter than the server's (IDLE_TIMEOUT in `serve`), so that the client closes first and no
    // request is sent into a connection that the server is closing.
    idle_timeout: Duration::from_secs(15),
    // A connection leads to the same pod for its whole life. New connections spread the load over
    // pods that were added.
    max_age: Duration::from_secs(30),
    pod_header: HeaderName::from_static(HEADER_POD),
};
/// The path that a traffic port answers without any work.
pub(crate) const PING_PATH: &str = "/ping";
/// The largest response body, in bytes.
const MAX_RESPONSE_BYTES: usize = 32 << 20;

/// A target: its edge and the connections to it. Dropping it closes them.
#[derive(Debug)]
pub struct Upstream {
    edge: Arc<Edge>,
    pool: Arc<TargetPool>,
    /// The headers `Host` and [`HEADER_RECIPIENT`] of each request.
    host: HeaderValue,
    recipient: Option<HeaderValue>,
    try_counts: TryCounts,
}

impl Upstream {
    /// The component at `target`; its probes start now.
    pub fn new(target: EdgeTarget) -> Arc<Self> {
        let host = host_header(&target.address);
        let recipient = recipient::recipient_value(target.recipient.as_ref());
        let (ping_host, ping_recipient) = (host.clone(), recipient.clone());
        let pool = TargetPool::new(target.address.0.clone(), TARGET_OPTIONS, move || {
            let mut ping = Request::new(Full::default());
            *ping.uri_mut() = PathAndQuery::from_static(PING_PATH).into();
            ping.headers_mut().insert(HOST, ping_host.clone());
            add_header(&mut ping, HEADER_RECIPIENT, ping_recipient.clone());
            ping
        });
        let edge = Edge::new(target, Protocol::Http);
        Arc::new(Self { edge, pool, host, recipient, try_counts: TryCounts::default() })
    }

    /// The edge to the target, for its traffic counts.
    pub fn edge(&self) -> &Arc<Edge> {
        &self.edge
    }

    /// Sends a request. After a failed try it sends the next, to another pod if the target has
    /// several, until shortly before the deadline.
    ///
    /// # Errors
    /// If there is no response before the deadline, or one that cannot be used.
    pub async fn send_with_retries(&self, call: &CallRequest) -> Result<CallResponse, CallError> {
        let start = Instant::now();
        let deadline = call.context.upstream_deadline(start);
        let path = call.path_and_query().map_err(|failure| self.call_error(failure))?;
        let prepared = PreparedCall { upstream: self, call, path };
        let outcome = self.try_counts.run(&prepared, deadline).await;
        outcome.map_err(|failure| match failure {
            Some(failure) => self.call_error(failure),
            None => self.timed_out(deadline - start),
        })
    }

    /// One try, over any connection.
    async fn send_try(
        &self,
        this_try: &Try,
        call: &CallRequest,
        path: &PathAndQuery,
        is_repeated: bool,
    ) -> Result<CallResponse, TryError> {
        let build = || self.build_request(call, path, is_repeated);
        match self.pool.exchange(this_try, build, MAX_RESPONSE_BYTES).await {
            Ok(response) if response.status() == StatusCode::MISDIRECTED_REQUEST => {
                self.pool.discard_all();
                Err(TryError::Misdirected(recipient::misdirected_reason(response.body())))
            }
            Ok(response) => Ok(CallResponse::from(response)),
            Err(ExchangeError::NotSent(reason)) => Err(TryError::NotSent(reason)),
            Err(ExchangeError::Interrupted(reason)) => Err(TryError::Interrupted(reason)),
            Err(error @ ExchangeError::TooLarge(_)) => Err(TryError::Permanent(error.to_string())),
        }
    }

    fn build_request(
        &self,
        call: &CallRequest,
        path: &PathAndQuery,
        is_repeated: bool,
    ) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(call.body.clone()));
        *request.method_mut() = call.method.clone();
        *request.uri_mut() = path.clone().into();
        *request.headers_mut() = call.context.upstream_headers(Instant::now());
        if is_repeated && call.method != Method::GET {
            add_header(&mut request, HEADER_REPEATED, Some(HeaderValue::from_static("1")));
        }
        request.headers_mut().insert(HOST, self.host.clone());
        add_header(&mut request, HEADER_RECIPIENT, self.recipient.clone());
        if !call.body.is_empty() {
            let json = HeaderValue::from_static("application/json");
            request.headers_mut().insert(CONTENT_TYPE, json);
        }
        request
    }

    fn call_error(&self, failure: TryError) -> CallError {
        let address = self.edge.address().clone();
        match failure {
            TryError::NotSent(reason) | TryError::Interrupted(reason) => {
                CallError::Unreachable { address, reason }
            }
            TryError::Misdirected(reason) => CallError::Misdirected { address, reason },
            TryError::Permanent(reason) => CallError::Invalid { address, reason },
        }
    }

    fn timed_out(&self, after: Duration) -> CallError {
        CallError::TimedOut { address: self.edge.address().clone(), after }
    }
}

/// A call with what all of its tries share.
struct PreparedCall<'a> {
    upstream: &'a Upstream,
    call: &'a CallRequest,
    path: PathAndQuery,
}

impl TrySender for PreparedCall<'_> {
    async fn send_try(&self, this_try: &Try, is_repeated: bool) -> Result<CallResponse, TryError> {
        self.upstream.send_try(this_try, self.call, &self.path, is_repeated).await
    }

    fn record_slow(&self, this_try: &Try) {
        self.upstream.pool.record_slow(this_try);
    }
}

/// The header `Host` for an address; an address has only characters that a header may have.
pub(crate) fn host_header(address: &Address) -> HeaderValue {
    HeaderValue::from_str(&address.0).unwrap_or_else(|_| HeaderValue::from_static("invalid"))
}

fn add_header(request: &mut Request<Full<Bytes>>, name: &'static str, value: Option<HeaderValue>) {
    if let Some(value) = value {
        request.headers_mut().insert(HeaderName::from_static(name), value);
    }
}
