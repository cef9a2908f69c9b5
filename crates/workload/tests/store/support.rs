//! A store that runs within the test.

use maquette_workload::{
    storage::Storage,
    store::{Limits, StoreMetrics, StoreServer},
};
use std::{net::SocketAddr, path::Path};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};

/// A store on a free port; stops when dropped.
pub(crate) struct Store {
    pub(crate) address: SocketAddr,
    pub(crate) storage: Storage,
    pub(crate) directory: TempDir,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Store {
    pub(crate) async fn start() -> Self {
        Self::start_with_limits(Limits::default()).await
    }

    pub(crate) async fn start_with_limits(limits: Limits) -> Self {
        let directory = TempDir::new().unwrap();
        let storage = Storage::open(directory.path()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = StoreServer::new(listener, storage.clone(), StoreMetrics::new())
            .unwrap()
            .with_limits(limits);
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        Self { address, storage, directory, stop, task }
    }

    /// Stops and waits until all connections have ended and the file is closed.
    pub(crate) async fn stop(self) -> TempDir {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
        drop(self.storage);
        self.directory
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends `bytes` over a new connection, ends them, and gives everything that comes back.
    pub(crate) async fn exchange(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        // A store that has had enough does not take the rest.
        let _ = stream.write_all(bytes).await;
        let _ = stream.shutdown().await;
        read_to_end(&mut stream).await
    }
}

/// Everything until the connection ends.
pub(crate) async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut replies = Vec::new();
    stream.read_to_end(&mut replies).await.unwrap();
    String::from_utf8_lossy(&replies).into_owned()
}

/// A request as clients send it.
pub(crate) fn encode_request(args: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        bytes.extend(format!("${}\r\n", arg.len()).into_bytes());
        bytes.extend_from_slice(arg);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

/// Reads exactly as many bytes as `want` has, and compares.
pub(crate) async fn expect_reply(stream: &mut TcpStream, want: &str) {
    let mut got = vec![0; want.len()];
    stream.read_exact(&mut got).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&got), want);
}

/// A file with this text in `directory`.
pub(crate) fn write_file(directory: &Path, name: &str, text: &str) -> std::path::PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, text).unwrap();
    path
}
