//! Accepts connections up to a limit, until a stop is requested.

use super::{
    Limits,
    bounds::admission::ClientAdmission,
    bounds::budget::MemoryBudget,
    command::{ServerInfo, command_names},
    connection::{ClientConnection, PendingWrites, TOO_MANY_CLIENTS},
    metrics::StoreMetrics,
    reply_writer::ReplyWriter,
    request_reader::RequestReader,
    session::Session,
    sweep::remove_expired_items,
};
use crate::storage::Storage;
use maquette_contract::RecipientError;
use socket2::{SockRef, TcpKeepalive};
use std::{io, net::SocketAddr, sync::Arc, time::Duration, time::Instant};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
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
    connections_total: u64,
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
        Ok(Self { listener, storage, info, connections_total: 0, connections: JoinSet::new() })
    }

    /// Replaces the default limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.info.limits = limits;
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
        let bounds = SharedBounds::new(&self.info);
        let storage = self.storage.clone();
        let sweeping = remove_expired_items(&storage);
        tokio::pin!(stop, sweeping);
        let mut sweeps = true;
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, from)) => self.accept(stream, from, &bounds, stopped.clone()),
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a connection");
                        tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
                    }
                },
                Some(_) = self.connections.join_next() => {}
                // An error means that the disk has failed, which the storage reports.
                _ = &mut sweeping, if sweeps => sweeps = false,
                () = &mut stop => break,
            }
        }
        drop(self.listener);
        stopping.send_replace(true);
        while self.connections.join_next().await.is_some() {}
    }

    fn accept(
        &mut self,
        stream: TcpStream,
        from: SocketAddr,
        bounds: &SharedBounds,
        stop: watch::Receiver<bool>,
    ) {
        let Some(slot) = bounds.admission.admit(from.ip()) else {
            // Best effort: the connection is closed even if the error cannot be sent.
            let _ = stream.try_write(format!("-{TOO_MANY_CLIENTS}\r\n").as_bytes());
            return;
        };
        if let Err(error) = configure_socket(&stream) {
            tracing::debug!(%from, %error, "a connection ended at once");
            return;
        }
        self.connections_total += 1;
        let limits = self.info.limits;
        let (input, output) = stream.into_split();
        let connection = ClientConnection {
            storage: self.storage.clone(),
            info: self.info.clone(),
            requests: RequestReader::new(input, bounds.requests.clone(), limits),
            replies: ReplyWriter::new(output, bounds.replies.clone(), limits.flush_timeout),
            session: Session::new(self.connections_total, from),
            slot,
            writes: PendingWrites::default(),
        };
        self.connections.spawn(async move {
            if let Err(error) = connection.serve(stop).await {
                tracing::debug!(%from, %error, "a connection failed");
            }
        });
    }
}

/// The bounds that all connections share.
struct SharedBounds {
    admission: ClientAdmission,
    requests: MemoryBudget,
    replies: MemoryBudget,
}

impl SharedBounds {
    fn new(info: &ServerInfo) -> Self {
        Self {
            admission: ClientAdmission::new(info.limits, info.metrics.clone()),
            requests: MemoryBudget::new(info.limits.request_memory),
            replies: MemoryBudget::new(info.limits.reply_memory),
        }
    }
}

fn configure_socket(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    SockRef::from(stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(TCP_KEEPALIVE))
}
