//! The store as the process of a pod.

use crate::support::write_file;
use maquette_contract::{ComponentConfig, RoleConfig, StoreConfig};
use redis::Commands;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};
use tempfile::TempDir;

/// A running workload; killed when dropped.
struct StoreProcess {
    child: Child,
    log: BufReader<ChildStdout>,
    store: SocketAddr,
    admin_address: SocketAddr,
}

impl StoreProcess {
    /// Starts a store on the items in `directory` and waits until it listens.
    fn start(directory: &Path) -> Self {
        let config = ComponentConfig {
            architecture: "shop".parse().unwrap(),
            architecture_uid: Some("the-uid".parse().unwrap()),
            component: "data".parse().unwrap(),
            role: RoleConfig::Store(StoreConfig::default()),
        };
        let config = write_file(directory, "component.json", &config.to_json().unwrap());
        // Unlikely to be taken by another process before the store opens it.
        let admin_address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_workload"))
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
        Self { child, log, store, admin_address }
    }

    fn connect(&self) -> redis::Connection {
        redis::Client::open(format!("redis://{}", self.store)).unwrap().get_connection().unwrap()
    }

    /// The head and body of an answer on the admin port.
    fn fetch_admin(&self, path: &str) -> String {
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

#[test]
fn acknowledged_items_survive_kill_9() {
    let directory = TempDir::new().unwrap();
    let mut process = StoreProcess::start(directory.path());
    let mut redis = process.connect();
    for number in 0..50 {
        let _: () = redis.set(format!("orders/{number}"), number).unwrap();
    }
    process.child.kill().unwrap();
    process.child.wait().unwrap();
    let process = StoreProcess::start(directory.path());
    let mut redis = process.connect();
    for number in 0..50 {
        assert_eq!(redis.get::<_, u32>(format!("orders/{number}")).unwrap(), number);
    }
}

#[test]
fn the_admin_port_serves_readiness_observations_and_metrics() {
    let directory = TempDir::new().unwrap();
    let process = StoreProcess::start(directory.path());
    let _: () = process.connect().set("orders/1", "x").unwrap();
    // The log line is written just before readiness, and the write is answered after it.
    assert!(process.fetch_admin("/readyz").starts_with("HTTP/1.1 200"));
    let observations = process.fetch_admin("/observations");
    assert!(observations.contains(r#""items":1"#), "{observations}");
    let metrics = process.fetch_admin("/metrics");
    for line in [
        r#"maquette_store_commands_total{command="set"} 1"#,
        "maquette_storage_items 1",
        "maquette_storage_commit_writes_count 1",
        "maquette_storage_commit_duration_seconds_count 1",
        "maquette_store_connections_accepted_total 1",
        "maquette_store_errors_total 0",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} is not in\n{metrics}");
    }
}

#[test]
fn after_a_stop_request_it_serves_for_the_grace_period_and_exits_with_0() {
    let directory = TempDir::new().unwrap();
    let mut process = StoreProcess::start(directory.path());
    let mut redis = process.connect();
    let id = process.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    while process.fetch_admin("/readyz").starts_with("HTTP/1.1 200") {}
    let _: () = redis.set("orders/1", "late").unwrap();
    let mut rest = String::new();
    process.log.read_to_string(&mut rest).unwrap();
    assert!(process.child.wait().unwrap().success(), "{rest}");
    let process = StoreProcess::start(directory.path());
    assert_eq!(process.connect().get::<_, String>("orders/1").unwrap(), "late");
}
