//! A store within the test process.

use maquette_contract::ComponentIdentity;
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
pub(crate) struct TestStore {
    pub(crate) address: SocketAddr,
    pub(crate) storage: Storage,
    pub(crate) directory: TempDir,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// Whose store it is.
pub(crate) fn identity() -> ComponentIdentity {
    ComponentIdentity {
        architecture: "shop".parse().unwrap(),
        uid: Some("the-uid".parse().unwrap()),
        former_uid: None,
        component: "data".parse().unwrap(),
    }
}

impl TestStore {
    pub(crate) async fn start() -> Self {
        Self::start_with_limits(Limits::default()).await
    }

    pub(crate) async fn start_with_limits(limits: Limits) -> Self {
        let directory = TempDir::new().unwrap();
        let storage = Storage::open(directory.path()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = StoreServer::new(listener, storage.clone(), StoreMetrics::default())
            .unwrap()
            .with_limits(limits)
            .with_recipient_check(|named| identity().check_recipient(named));
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        Self { address, storage, directory, stop, task }
    }

    /// Stops the store and waits until all connections and the file are closed.
    pub(crate) async fn stop(self) -> TempDir {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
        drop(self.storage);
        self.directory
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends `bytes` over a new connection, closes its sending half, and returns all that it
    /// receives.
    pub(crate) async fn exchange(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        // After an error the store does not read the rest.
        let _ = stream.write_all(bytes).await;
        let _ = stream.shutdown().await;
        read_to_end(&mut stream).await
    }
}

/// All bytes until the connection is closed.
pub(crate) async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut replies = Vec::new();
    stream.read_to_end(&mut replies).await.unwrap();
    String::from_utf8_lossy(&replies).into_owned()
}

/// A request, encoded as clients send it.
pub(crate) fn encode_request(args: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        bytes.extend(format!("${}\r\n", arg.len()).into_bytes());
        bytes.extend_from_slice(arg);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

/// Reads as many bytes as `expected` has, and compares them.
pub(crate) async fn expect_reply(stream: &mut TcpStream, expected: &str) {
    let mut got = vec![0; expected.len()];
    stream.read_exact(&mut got).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&got), expected);
}

/// Writes a file in `directory`.
pub(crate) fn write_file(directory: &Path, name: &str, text: &str) -> std::path::PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, text).unwrap();
    path
}
