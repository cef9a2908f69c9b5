//! The HTTP/1.1 server, with a graceful stop.

mod connections;
#[cfg(test)]
mod tests;

use crate::runtime::{Shutdown, shutdown::ShutdownStage};
use axum::{
    Router,
    response::{IntoResponse, Response},
};
use connections::{ConnectionState, ConnectionTable, WatchedStream};
use hyper::{
    Request, StatusCode, Version,
    body::Incoming,
    header::{CONNECTION, EXPECT, HOST, HeaderMap, HeaderValue, TRANSFER_ENCODING},
    server::conn::http1,
    service::Service,
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use std::{
    convert::Infallible,
    future::ready,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{sleep, timeout},
};

/// The longest wait for a connection's next request: longer than any client of this workspace keeps
/// an idle connection.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// The most bytes that a connection buffers, and so the largest head of a request.
const MAX_BUFFER: usize = 32 << 10;
/// The most open connections of a port. Above it, the one that has waited longest for its client is
/// closed; while each of them has a request in flight, more wait to be accepted.
const MAX_CONNECTIONS: usize = 4096;
/// How often a full port looks for a connection to close.
const FULL_PAUSE: Duration = Duration::from_millis(20);
/// The longest wait for requests in flight while the process drains: a little more than
/// [`super::headers::MAX_DEADLINE`].
const DRAIN_TIMEOUT: Duration = Duration::from_secs(12);

/// A port cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}")]
pub struct ListenError {
    address: SocketAddr,
    source: io::Error,
}

/// Opens a port; 0 takes a free one.
///
/// # Errors
/// If the port is taken or the process may not open it.
pub async fn bind(ip: IpAddr, port: u16) -> Result<TcpListener, ListenError> {
    let address = SocketAddr::new(ip, port);
    TcpListener::bind(address).await.map_err(|source| ListenError { address, source })
}

/// The address on which a port was opened.
///
/// # Errors
/// If the operating system refuses the query.
pub fn address(listener: &TcpListener) -> Result<SocketAddr, ListenError> {
    let unknown = SocketAddr::from(([0, 0, 0, 0], 0));
    listener.local_addr().map_err(|source| ListenError { address: unknown, source })
}

/// The settings of a server that has none: they never change.
pub fn constant_settings() -> watch::Receiver<()> {
    watch::channel(()).1
}

/// Serves until the process drains and its requests in flight have ended.
///
/// While the process is a lame duck, each response closes its connection, so that clients connect
/// to other pods. So does the first response after `settings` have changed: a Service may lead to
/// other pods then, which an open connection does not show.
pub async fn serve_http<T: Send + Sync + 'static>(
    listener: TcpListener,
    router: Router,
    shutdown: &Shutdown,
    settings: watch::Receiver<T>,
) {
    serve_connections(listener, router, shutdown, settings, MAX_CONNECTIONS).await;
}

async fn serve_connections<T: Send + Sync + 'static>(
    listener: TcpListener,
    router: Router,
    shutdown: &Shutdown,
    settings: watch::Receiver<T>,
    max_connections: usize,
) {
    let graceful = GracefulShutdown::new();
    let table = Arc::new(ConnectionTable::default());
    let permits = Arc::new(Semaphore::new(max_connections));
    loop {
        let next = async {
            let permit = acquire_place(&permits, &table).await;
            (listener.accept().await, permit)
        };
        let (accepted, permit) = tokio::select! {
            next = next => next,
            () = shutdown.wait_until_draining() => break,
        };
        let Ok((stream, _)) = accepted else {
            // No file handle is left, or the client has closed the connection already.
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let mut seen_settings = settings.clone();
        seen_settings.mark_unchanged();
        let router = TowerToHyperService::new(router.clone());
        let handle = table.add();
        let served = ConnectionService {
            router,
            shutdown: shutdown.clone(),
            settings: seen_settings,
            state: Arc::clone(&handle.state),
            table: Arc::clone(&table),
        };
        let connection = graceful.watch(serve_connection(stream, served));
        tokio::spawn(async move {
            tokio::select! {
                // The client closed the connection or does not speak HTTP: no error of this server.
                _ = connection => {}
                () = handle.state.wait_until_closing() => {}
            }
            drop((handle, permit));
        });
    }
    drop(listener);
    if timeout(DRAIN_TIMEOUT, graceful.shutdown()).await.is_err() {
        tracing::warn!("connections still open after the drain time-out were closed");
    }
}

/// Waits for a place for one more connection. While there is none, connections that wait for their
/// clients are closed.
async fn acquire_place(
    permits: &Arc<Semaphore>,
    table: &ConnectionTable,
) -> Option<OwnedSemaphorePermit> {
    loop {
        if let Ok(permit) = Arc::clone(permits).try_acquire_owned() {
            return Some(permit);
        }
        table.close_longest_waiting();
        if let Ok(permit) = timeout(FULL_PAUSE, Arc::clone(permits).acquire_owned()).await {
            // The semaphore is never closed.
            return permit.ok();
        }
    }
}

fn serve_connection<T: Send + Sync + 'static>(
    stream: TcpStream,
    served: ConnectionService<T>,
) -> http1::Connection<TokioIo<WatchedStream>, ConnectionService<T>> {
    // Without TCP_NODELAY the socket works, with more latency.
    let _ = stream.set_nodelay(true);
    let stream = WatchedStream::new(stream, Arc::clone(&served.state));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE_TIMEOUT)
        .max_buf_size(MAX_BUFFER)
        .serve_connection(TokioIo::new(stream), served)
}

/// Answers the requests of one connection.
struct ConnectionService<T> {
    router: TowerToHyperService<Router>,
    shutdown: Shutdown,
    /// Changed if the settings are newer than the connection.
    settings: watch::Receiver<T>,
    state: Arc<ConnectionState>,
    table: Arc<ConnectionTable>,
}

impl<T: Send + Sync + 'static> Service<Request<Incoming>> for ConnectionService<T> {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        if let Err(refusal) = check_head(request.version(), request.headers()) {
            self.state.end_request();
            return Box::pin(ready(Ok(refusal.into_response())));
        }
        let state = Arc::clone(&self.state);
        let answer = self.router.call(request.map(|body| state.begin_request(&self.table, body)));
        let (shutdown, settings) = (self.shutdown.clone(), self.settings.clone());
        Box::pin(async move {
            let mut response = answer.await?;
            // An error means that the sender is dropped: the settings cannot change any more.
            if shutdown.stage() >= ShutdownStage::LameDuck
                || settings.has_changed().unwrap_or(false)
            {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            state.end_request();
            Ok(response)
        })
    }
}

/// Checks what HTTP/1.1 demands of each request, before any of its body is read.
fn check_head(version: Version, headers: &HeaderMap) -> Result<(), (StatusCode, &'static str)> {
    if version < Version::HTTP_11 {
        return Ok(());
    }
    let mut hosts = headers.get_all(HOST).iter();
    let bad_request = |reason| Err((StatusCode::BAD_REQUEST, reason));
    match (hosts.next(), hosts.next()) {
        (None, _) => return bad_request("the header Host is missing; HTTP/1.1 demands it\n"),
        (_, Some(_)) => return bad_request("there is more than one header Host; send one\n"),
        (Some(host), None) if !host.as_bytes().iter().all(is_host_byte) => {
            return bad_request("the header Host is not a host name or address with a port\n");
        }
        (Some(_), None) => {}
    }
    // hyper reads any list that ends with "chunked", and would pass on a body that is compressed.
    let is_chunked = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"chunked");
    if !headers.get_all(TRANSFER_ENCODING).iter().all(is_chunked) {
        let reason = "the only transfer coding that is understood is \"chunked\"\n";
        return Err((StatusCode::NOT_IMPLEMENTED, reason));
    }
    // hyper sends "100 Continue" once the body is read: a request that is refused before gets its
    // answer instead.
    let is_known = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"100-continue");
    if !headers.get_all(EXPECT).iter().all(is_known) {
        let reason = "the only expectation that is met is \"Expect: 100-continue\"\n";
        return Err((StatusCode::EXPECTATION_FAILED, reason));
    }
    Ok(())
}

/// The bytes of a host and port (RFC 3986, 3.2.2).
fn is_host_byte(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%:[]".contains(byte)
}
