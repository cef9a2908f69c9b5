//! Accepting connections, within their limit, until asked to stop.

use super::{
    Limits, command::ServerInfo, connection::ClientConnection, metrics::StoreMetrics,
    reply_writer::ReplyWriter,
};
use crate::storage::Storage;
use socket2::{SockRef, TcpKeepalive};
use std::{io, net::SocketAddr, sync::Arc, time::Duration, time::Instant};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
};

/// How long a connection may be silent before the system asks whether its other end still lives.
const TCP_KEEPALIVE: Duration = Duration::from_secs(60);
/// The pause after a connection could not be accepted, for want of file handles for example.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

/// A store that listens.
pub struct StoreServer {
    listener: TcpListener,
    storage: Storage,
    info: ServerInfo,
    large_permits: Arc<Semaphore>,
    connections: JoinSet<()>,
}

impl StoreServer {
    /// Serves the items of `storage` to whoever connects to `listener`.
    ///
    /// # Errors
    /// If the listener does not know its own address.
    pub fn new(listener: TcpListener, storage: Storage, metrics: StoreMetrics) -> io::Result<Self> {
        let port = listener.local_addr()?.port();
        let (limits, observer) = (Limits::default(), Arc::new(|_, _| ()));
        let facts = ServerInfo { started: Instant::now(), port, limits, metrics, observer };
        let places = Arc::new(Semaphore::new(limits.large));
        Ok(Self {
            listener,
            storage,
            info: facts,
            large_permits: places,
            connections: JoinSet::new(),
        })
    }

    /// Holds clients to other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.info.limits = limits;
        self.large_permits = Arc::new(Semaphore::new(limits.large));
        self
    }

    /// Tells `observer` of every request how long it took and whether it failed, for no fault of
    /// the client.
    #[must_use]
    pub fn with_observer(
        mut self,
        observer: impl Fn(Duration, bool) + Send + Sync + 'static,
    ) -> Self {
        self.info.observer = Arc::new(observer);
        self
    }

    /// Serves until `stop` ends. Then no connection is accepted any more, what has been received
    /// is carried out and answered, and all connections are closed.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        let (stopping, stopped) = watch::channel(false);
        tokio::pin!(stop);
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, from)) => self.accept(stream, from, stopped.clone()),
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a connection");
                        tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
                    }
                },
                Some(_) = self.connections.join_next() => {}
                () = &mut stop => break,
            }
        }
        drop(self.listener);
        stopping.send_replace(true);
        while self.connections.join_next().await.is_some() {}
    }

    fn accept(&mut self, stream: TcpStream, from: SocketAddr, stop: watch::Receiver<bool>) {
        let metrics = &self.info.metrics;
        if self.connections.len() >= self.info.limits.connections {
            metrics.rejected.inc();
            // Whoever cannot take these bytes at once finds the connection closed all the same.
            let _ = stream.try_write(b"-ERR max number of clients reached\r\n");
            return;
        }
        metrics.accepted.inc();
        if let Err(error) = configure_socket(&stream) {
            tracing::debug!(%from, %error, "a connection ended at once");
            return;
        }
        let (input, output) = stream.into_split();
        let output = ReplyWriter::new(
            output,
            Arc::clone(&self.large_permits),
            self.info.limits.flush_timeout,
        );
        let connection =
            ClientConnection::new(self.storage.clone(), self.info.clone(), input, output);
        let open = OpenConnection::count(metrics);
        self.connections.spawn(async move {
            let _open = open;
            if let Err(error) = connection.serve(stop).await {
                tracing::debug!(%from, %error, "a connection failed");
            }
        });
    }
}

fn configure_socket(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    SockRef::from(stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(TCP_KEEPALIVE))
}

/// Counts a connection as open while it lives.
struct OpenConnection(StoreMetrics);

impl OpenConnection {
    fn count(metrics: &StoreMetrics) -> Self {
        metrics.connections.inc();
        Self(metrics.clone())
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.connections.dec();
    }
}
