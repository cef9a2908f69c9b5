//! A store as a process of its own.

use crate::support::write_file;
use maquette_contract::{ComponentConfig, RoleConfig, StoreConfig};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};
use tempfile::TempDir;

/// A running workload; killed when dropped.
pub(crate) struct StoreProcess {
    pub(crate) child: Child,
    pub(crate) log: BufReader<ChildStdout>,
    pub(crate) store: SocketAddr,
    admin_address: SocketAddr,
    _settings: TempDir,
}

impl StoreProcess {
    /// Starts a store on the items in `directory` and waits until it listens.
    pub(crate) fn start(directory: &Path) -> Self {
        Self::start_by(Command::new(env!("CARGO_BIN_EXE_workload")), directory)
    }

    /// Starts a store by `command`, which is the workload or runs it.
    pub(crate) fn start_by(mut command: Command, directory: &Path) -> Self {
        let config = ComponentConfig {
            architecture: "shop".parse().unwrap(),
            architecture_uid: Some("the-uid".parse().unwrap()),
            component: "data".parse().unwrap(),
            role: RoleConfig::Store(StoreConfig::default()),
        };
        let settings = TempDir::new().unwrap();
        let config = write_file(settings.path(), "component.json", &config.to_json().unwrap());
        // Unlikely to be taken by another process before the store opens it.
        let admin_address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut child = command
            .arg("--config")
            .arg(config)
            .arg("--data")
            .arg(directory)
            .args(["--pod", "shop-data-0", "--listen-ip", "127.0.0.1", "--store-port", "0"])
            .args(["--admin-port", &admin_address.port().to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stdout.take().unwrap());
        let store = loop {
            let mut line = String::new();
            assert!(log.read_line(&mut line).unwrap() > 0, "the store ended before it listened");
            let entry: serde_json::Value = serde_json::from_str(&line).unwrap();
            let find = |name| entry.get(name).or_else(|| entry["fields"].get(name));
            if find("message").is_some_and(|message| message == "listening") {
                break find("address").unwrap().as_str().unwrap().parse().unwrap();
            }
        };
        Self { child, log, store, admin_address, _settings: settings }
    }

    pub(crate) fn connect(&self) -> redis::Connection {
        redis::Client::open(format!("redis://{}", self.store)).unwrap().get_connection().unwrap()
    }

    /// The head and body of an answer on the admin port.
    pub(crate) fn fetch_admin(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.admin_address).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for StoreProcess {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
