//! Listens for HTTP/1.1 and serves it to a graceful end.

use super::{Shutdown, shutdown::ShutdownStage};
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

/// How long a connection may take to bring the next request's head; longer than any of our own
/// clients keeps an idle connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// The largest head of a request, in bytes, and what a connection buffers at most.
const MAX_BUFFER: usize = 32 << 10;
/// Connections served at once; more wait to be accepted. A request takes one of its own, and idle
/// ones stay open for a while.
const MAX_CONNECTIONS: usize = 4096;
/// How long requests under way have to end once no new ones are accepted: a little more than a
/// request may take ([`super::headers::LONGEST`]).
const DRAIN_TIMEOUT: Duration = Duration::from_secs(12);

/// A port cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}")]
pub struct ListenError {
    address: SocketAddr,
    source: io::Error,
}

/// Opens a port.
///
/// # Errors
/// If it is taken or not allowed.
pub async fn bind(ip: IpAddr, port: u16) -> Result<TcpListener, ListenError> {
    let address = SocketAddr::new(ip, port);
    TcpListener::bind(address).await.map_err(|source| ListenError { address, source })
}

/// Where a port was opened.
///
/// # Errors
/// If the system does not know it.
pub fn address(listener: &TcpListener) -> Result<SocketAddr, ListenError> {
    let unknown = SocketAddr::from(([0, 0, 0, 0], 0));
    listener.local_addr().map_err(|source| ListenError { address: unknown, source })
}

/// The settings of a server that has none that change.
pub fn constant_settings() -> watch::Receiver<()> {
    watch::channel(()).1
}

/// Serves until the process drains and what was under way then has ended. Once the process leaves,
/// every answer ends its connection, so that the client makes its next one elsewhere. So does the
/// first answer after `settings` have changed: a Service may lead elsewhere by now, and whoever
/// keeps a connection would not notice.
pub async fn serve_http<T: Send + Sync + 'static>(
    listener: TcpListener,
    router: Router,
    shutdown: &Shutdown,
    settings: watch::Receiver<T>,
) {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            next = next => next,
            () = shutdown.wait_until_draining() => break,
        };
        let Ok((stream, _)) = accepted else {
            // The process has no file handle left, or the client is gone already.
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let mut settings = settings.clone();
        settings.mark_unchanged();
        let router = TowerToHyperService::new(router.clone());
        let served = ConnectionService { router, shutdown: shutdown.clone(), settings };
        let connection = graceful.watch(serve_connection(stream, served));
        tokio::spawn(async move {
            // An error here is the client's: it went away, or does not speak HTTP.
            let _ = connection.await;
            drop(place);
        });
    }
    drop(listener);
    if timeout(DRAIN_TIMEOUT, graceful.shutdown()).await.is_err() {
        tracing::warn!("connections that did not end were closed");
    }
}

fn serve_connection<T: Send + Sync + 'static>(
    stream: TcpStream,
    served: ConnectionService<T>,
) -> http1::Connection<TokioIo<TcpStream>, ConnectionService<T>> {
    // A socket that refuses the option works all the same, a little later.
    let _ = stream.set_nodelay(true);
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_BUFFER)
        .serve_connection(TokioIo::new(stream), served)
}

/// What answers the requests of one connection.
struct ConnectionService<T> {
    router: TowerToHyperService<Router>,
    shutdown: Shutdown,
    /// Seen as they were when the connection was made.
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
            // Settings whose sender is gone do not change any more.
            if shutdown.stage() >= ShutdownStage::LameDuck
                || settings.has_changed().unwrap_or(false)
            {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(response)
        })
    }
}
