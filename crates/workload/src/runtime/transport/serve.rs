//! The HTTP/1.1 server, with a graceful stop.

use crate::runtime::{Shutdown, shutdown::ShutdownStage};
use axum::{Router, response::Response};
use hyper::{
    Request,
    body::Incoming,
    header::{CONNECTION, HeaderValue},
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
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    time::{sleep, timeout},
};

/// The longest wait for the complete head of a connection's next request: longer than any client of
/// this workspace keeps an idle connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// The most bytes that a connection buffers, and so the largest head of a request.
const MAX_BUFFER: usize = 32 << 10;
/// The most open connections, in flight or idle; more wait to be accepted.
const MAX_CONNECTIONS: usize = 4096;
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
    let graceful = GracefulShutdown::new();
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let next = async {
            let permit = Arc::clone(&permits).acquire_owned().await;
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
        let served =
            ConnectionService { router, shutdown: shutdown.clone(), settings: seen_settings };
        let connection = graceful.watch(serve_connection(stream, served));
        tokio::spawn(async move {
            // The client closed the connection or does not speak HTTP: not an error of this server.
            let _ = connection.await;
            drop(permit);
        });
    }
    drop(listener);
    if timeout(DRAIN_TIMEOUT, graceful.shutdown()).await.is_err() {
        tracing::warn!("connections still open after the drain time-out were closed");
    }
}

fn serve_connection<T: Send + Sync + 'static>(
    stream: TcpStream,
    served: ConnectionService<T>,
) -> http1::Connection<TokioIo<TcpStream>, ConnectionService<T>> {
    // Without TCP_NODELAY the socket works, with more latency.
    let _ = stream.set_nodelay(true);
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_BUFFER)
        .serve_connection(TokioIo::new(stream), served)
}

/// Answers the requests of one connection.
struct ConnectionService<T> {
    router: TowerToHyperService<Router>,
    shutdown: Shutdown,
    /// Changed if the settings are newer than the connection.
    settings: watch::Receiver<T>,
}

impl<T: Send + Sync + 'static> Service<Request<Incoming>> for ConnectionService<T> {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let answer = self.router.call(request);
        let (shutdown, settings) = (self.shutdown.clone(), self.settings.clone());
        Box::pin(async move {
            let mut response = answer.await?;
            // An error means that the sender is dropped: the settings cannot change any more.
            if shutdown.stage() >= ShutdownStage::LameDuck
                || settings.has_changed().unwrap_or(false)
            {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(response)
        })
    }
}
