//! A TCP forwarder in front of the API server, whose connections can break without being closed.

use super::control_plane::ControlPlane;
use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};
use tokio::sync::watch;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::JoinSet,
};

/// Forwards until it is dropped.
pub(crate) struct Forwarder {
    port: u16,
    /// Connections of earlier generations are broken: what they carry is dropped, and they stay open.
    generation: Arc<AtomicUsize>,
    /// While it is false, all connections are closed.
    is_up: watch::Sender<bool>,
    _tasks: JoinSet<()>,
}

impl Forwarder {
    /// A forwarder to the API server.
    pub(crate) async fn start(plane: &ControlPlane) -> Self {
        let target = plane.address();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let generation = Arc::<AtomicUsize>::default();
        let is_up = watch::Sender::new(true);
        let mut tasks = JoinSet::new();
        tasks.spawn(accept_all(listener, target, Arc::clone(&generation), is_up.subscribe()));
        Self { port, generation, is_up, _tasks: tasks }
    }

    /// Closes all connections, and new ones at once, until it is up again.
    pub(crate) fn set_up(&self, is_up: bool) {
        self.is_up.send_replace(is_up);
    }

    /// Breaks all connections of now; new ones work.
    pub(crate) fn break_connections(&self) {
        self.generation.fetch_add(1, SeqCst);
    }

    /// Writes a copy of a kubeconfig that leads through the forwarder into the file `to`.
    pub(crate) fn write_kubeconfig(&self, plane: &ControlPlane, to: &Path) {
        let text = fs::read_to_string(&plane.operator_kubeconfig).expect("a kubeconfig");
        assert!(text.contains(&plane.address()), "{text}");
        let through = format!("127.0.0.1:{}", self.port);
        fs::write(to, text.replace(&plane.address(), &through)).expect("a file");
    }
}

async fn accept_all(
    listener: TcpListener,
    target: String,
    generation: Arc<AtomicUsize>,
    is_up: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        if !*is_up.borrow() {
            continue;
        }
        let Ok(server) = TcpStream::connect(&target).await else { continue };
        let (client_read, client_write) = client.into_split();
        let (server_read, server_write) = server.into_split();
        for (from, to) in [(client_read, server_write), (server_read, client_write)] {
            let (generation, mut is_up) = (Arc::clone(&generation), is_up.clone());
            connections.spawn(async move {
                tokio::select! {
                    () = copy(from, to, generation) => {}
                    _ = is_up.wait_for(|is_up| !is_up) => {}
                }
            });
        }
    }
}

/// Copies one direction of a connection. A broken one is read on, and neither side is closed.
async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, generation: Arc<AtomicUsize>) {
    let began = generation.load(SeqCst);
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length) = from.read(&mut buffer).await {
        let is_broken = generation.load(SeqCst) != began;
        if is_broken && length == 0 {
            std::future::pending::<()>().await;
        }
        if is_broken {
            continue;
        }
        if length == 0 || to.write_all(&buffer[..length]).await.is_err() {
            break;
        }
    }
}
