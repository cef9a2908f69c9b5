//! The peer as the process that a pod runs.

#![cfg(test)]

#[path = "store/small_volume.rs"]
mod small_volume;

use maquette_contract::{
    Address, ComponentConfig, PeerConfig, PeerMember, RequestWork, RoleConfig,
};
use small_volume::SmallVolume;
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// The longest time that a condition may take on a busy machine.
const WAIT_LIMIT: Duration = Duration::from_secs(30);
/// The largest file that the process may write, in blocks of 512 bytes: simulates a full disk.
const FILE_LIMIT_BLOCKS: &str = "8192";

/// A running peer, alone; killed when dropped.
struct PeerProcess {
    child: Child,
    traffic: SocketAddr,
    _settings: tempfile::TempDir,
}

/// No other process is likely to get this port before the peer binds it.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

impl PeerProcess {
    /// Starts a peer on `directory`; with `small_disk` its disk is full after a few writes.
    fn start(directory: &Path, small_disk: bool) -> Self {
        // With the signal ignored, a write beyond the limit fails with an error.
        let limit = if small_disk { FILE_LIMIT_BLOCKS } else { "unlimited" };
        let run = format!(r#"trap "" XFSZ; ulimit -f {limit}; exec "$0" "$@""#);
        let mut command = Command::new("sh");
        command.args(["-c", &run, env!("CARGO_BIN_EXE_workload")]);
        Self::start_by(command, directory)
    }

    /// Starts a peer by `command`, which is the workload or runs it, and waits until it serves.
    fn start_by(mut command: Command, directory: &Path) -> Self {
        let traffic = free_address();
        // No peer connects to the only member, so its address need not be the one that it listens on.
        let member =
            PeerMember { name: "shop-peers-0".into(), address: Address("127.0.0.1:1".into()) };
        let config = ComponentConfig {
            architecture: "shop".parse().unwrap(),
            architecture_uid: Some("the-uid".parse().unwrap()),
            component: "peers".parse().unwrap(),
            role: RoleConfig::Peer(PeerConfig {
                work: RequestWork::default(),
                replication_factor: 1,
                members: vec![member],
                members_changed: false,
                migration_sources: vec![],
                successor: None,
            }),
        };
        let settings = tempfile::tempdir().unwrap();
        let file = settings.path().join("component.json");
        std::fs::write(&file, config.to_json().unwrap()).unwrap();
        let child = command
            .arg("--config")
            .arg(file)
            .arg("--data")
            .arg(directory)
            .args(["--pod", "shop-peers-0", "--listen-ip", "127.0.0.1", "--admin-port", "0"])
            .args(["--traffic-port", &traffic.port().to_string(), "--internal-port", "0"])
            .args(["--peers-port", "0"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut peer = Self { child, traffic, _settings: settings };
        let latest = Instant::now() + WAIT_LIMIT;
        while peer
            .send_request("GET", "/items/orders/none", "")
            .is_none_or(|it| it.starts_with("HTTP/1.1 5"))
        {
            assert_eq!(peer.child.try_wait().unwrap(), None, "it exited");
            assert!(Instant::now() < latest, "it does not serve");
            thread::sleep(Duration::from_millis(20));
        }
        peer
    }

    /// The head and body of the response; `None` if there is none.
    fn send_request(&self, method: &str, path: &str, body: &str) -> Option<String> {
        let mut stream = TcpStream::connect(self.traffic).ok()?;
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n");
        write!(stream, "{head}connection: close\r\n\r\n{body}").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        (!answer.is_empty()).then_some(answer)
    }

    /// Returns whether the write was acknowledged.
    fn put_item(&self, item: usize, value: &str) -> bool {
        let answer = self.send_request("PUT", &format!("/items/orders/{item}"), value);
        answer.is_some_and(|answer| answer.starts_with("HTTP/1.1 20"))
    }
}

impl Drop for PeerProcess {
    fn drop(&mut self) {
        // Fails if the process has exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_peer_exits_when_its_disk_fails_and_a_restart_keeps_acknowledged_writes() {
    let directory = tempfile::tempdir().unwrap();
    let mut peer = PeerProcess::start(directory.path(), true);
    let value = format!("\"{}\"", "x".repeat(50_000));
    let mut acknowledged = 0;
    while peer.put_item(acknowledged, &value) {
        acknowledged += 1;
        assert!(acknowledged < 1000, "the disk never fails");
    }
    assert!(acknowledged > 0, "the disk failed at once");
    let latest = Instant::now() + WAIT_LIMIT;
    let status = loop {
        if let Some(status) = peer.child.try_wait().unwrap() {
            break status;
        }
        assert!(Instant::now() < latest, "it still runs without a disk");
        thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(status.code(), Some(1));
    drop(peer);

    let peer = PeerProcess::start(directory.path(), false);
    for item in 0..acknowledged {
        let answer = peer.send_request("GET", &format!("/items/orders/{item}"), "").unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains(&value), "item {item}");
    }
}

#[test]
fn a_peer_on_a_full_volume_serves_reads_also_after_a_crash() {
    let volume = SmallVolume::mount(24);
    let workload = || volume.command(env!("CARGO_BIN_EXE_workload"));
    let peer = PeerProcess::start_by(workload(), volume.directory());
    let value = format!("\"{}\"", "x".repeat(60_000));
    let mut written = 0;
    while peer.put_item(written, &value) {
        written += 1;
        assert!(written < 1000, "the volume is never full");
    }
    assert!(written > 60, "full after {written} items of 60 KB in 24 MiB");
    let refused = peer.send_request("PUT", "/items/orders/0", &value).unwrap();
    assert!(
        refused.starts_with("HTTP/1.1 5") && refused.contains("the volume is full"),
        "{refused}"
    );
    // Also if something else takes the rest.
    volume.fill();
    drop(peer);
    let peer = PeerProcess::start_by(workload(), volume.directory());
    for item in 0..written {
        let answer = peer.send_request("GET", &format!("/items/orders/{item}"), "").unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains(&value), "item {item}");
    }
    volume.remove_filler();
    let latest = Instant::now() + WAIT_LIMIT;
    while !peer.put_item(written, "1") {
        assert!(Instant::now() < latest, "it still refuses writes");
        thread::sleep(Duration::from_millis(50));
    }
}
