//! Accepts connections up to a limit, until a stop is requested.

use super::{
    Limits,
    command::{ServerInfo, command_names},
    connection::ClientConnection,
    metrics::StoreMetrics,
    reply_writer::ReplyWriter,
};
use crate::storage::Storage;
use maquette_contract::RecipientError;
use socket2::{SockRef, TcpKeepalive};
use std::{io, net::SocketAddr, sync::Arc, time::Duration, time::Instant};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
};

/// The idle time after which the kernel sends TCP keep-alive probes.
const TCP_KEEPALIVE: Duration = Duration::from_secs(60);
/// The pause after a failed accept, for example without free file handles.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

/// A store with its listener and connections.
pub struct StoreServer {
    listener: TcpListener,
    storage: Storage,
    info: ServerInfo,
    large_permits: Arc<Semaphore>,
    connections: JoinSet<()>,
}

impl StoreServer {
    /// Serves the items of `storage` to the clients of `listener`.
    ///
    /// # Errors
    /// If the operating system does not report the listener's address.
    pub fn new(listener: TcpListener, storage: Storage, metrics: StoreMetrics) -> io::Result<Self> {
        let port = listener.local_addr()?.port();
        metrics.add_commands(command_names());
        let (limits, observer) = (Limits::default(), Arc::new(|_, _| ()));
        let info = ServerInfo {
            started: Instant::now(),
            port,
            limits,
            metrics,
            observer,
            recipient_check: Arc::new(|_| Ok(())),
        };
        let large_permits = Arc::new(Semaphore::new(limits.large_connections));
        Ok(Self { listener, storage, info, large_permits, connections: JoinSet::new() })
    }

    /// Replaces the default limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.info.limits = limits;
        self.large_permits = Arc::new(Semaphore::new(limits.large_connections));
        self
    }

    /// Calls `observer` after every request with its duration and whether it failed without a
    /// client's error.
    #[must_use]
    pub fn with_observer(
        mut self,
        observer: impl Fn(Duration, bool) + Send + Sync + 'static,
    ) -> Self {
        self.info.observer = Arc::new(observer);
        self
    }

    /// Refuses connections that name a recipient which `check` refuses.
    #[must_use]
    pub fn with_recipient_check(
        mut self,
        check: impl Fn(&[u8]) -> Result<(), RecipientError> + Send + Sync + 'static,
    ) -> Self {
        self.info.recipient_check = Arc::new(check);
        self
    }

    /// Serves until `stop` resolves. Then it accepts no more connections, answers the requests
    /// received so far and closes all connections.
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
            // Best effort: the connection is closed even if the error cannot be sent.
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

/// Counts a connection as open until it is dropped.
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
