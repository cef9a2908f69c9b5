//! The memory of an idle process of each role.
//!
//! `make bench` measures the resident memory of the release build, which should be at most 10 MiB.
//! Most of it is the program itself, which is several times as large in the build of the tests. So
//! the tests bound what the process allocates.

#![cfg(test)]

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

/// The most anonymous memory, in KiB: 1.8 to 2.5 MiB when this was written, of which the release build
/// needs the half.
const MAX_ANONYMOUS: u64 = 4 * 1024;

/// A running process; killed when dropped.
struct Workload(Child);

impl Workload {
    /// Starts a process with this role, and waits until it logs `message`.
    fn start(role: &str, message: &str) -> (Self, TempDir) {
        let directory = TempDir::new().unwrap();
        let config = directory.path().join("component.json");
        let text = format!(r#"{{"architecture": "shop", "component": "part", {role}}}"#);
        fs::write(&config, text).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_workload"))
            .arg("--config")
            .arg(&config)
            .arg("--data")
            .arg(directory.path())
            .args(["--pod", "shop-part-0", "--listen-ip", "127.0.0.1", "--traffic-port", "0"])
            .args(["--store-port", "0", "--admin-port", "0", "--internal-port", "0"])
            .args(["--peers-port", "0"])
            .env_remove("RUST_LOG")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stdout.take().unwrap());
        let process = Self(child);
        let is_expected = |line: &str| line.contains(&format!(r#""message":"{message}"#));
        let found = log.lines().map_while(Result::ok).any(|line| is_expected(&line));
        assert!(found, "the process ended before it logged {message:?}");
        (process, directory)
    }

    /// The anonymous memory in use, in KiB.
    fn anonymous_kibibytes(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
    }
}

impl Drop for Workload {
    fn drop(&mut self) {
        // Fails if the process has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Checks the memory of a process once it logs `message`.
fn check_idle_memory(role: &str, message: &str) {
    let (process, _directory) = Workload::start(role, message);
    let used = process.anonymous_kibibytes();
    assert!(used <= MAX_ANONYMOUS, "{used} KiB are above the bound of {MAX_ANONYMOUS} KiB");
}

#[test]
fn an_idle_service_needs_little_memory() {
    let role = r#""role": "service", "mode": "parallel", "routes": {}"#;
    check_idle_memory(role, "serving requests");
}

#[test]
fn an_idle_store_needs_little_memory() {
    check_idle_memory(r#""role": "store""#, "listening");
}

#[test]
fn an_idle_peer_needs_little_memory() {
    // No peer connects to the only member, so its address need not be the one that it listens on.
    let role = r#""role": "peer", "replicationFactor": 1,
        "members": [{"name": "shop-part-0", "address": "127.0.0.1:1"}]"#;
    check_idle_memory(role, "membership changed");
}

#[test]
fn an_idle_load_needs_little_memory() {
    let role = r#""role": "load", "requestsPerSecond": 1, "writePercent": 10, "summaryPercent": 0,
        "items": 200, "collections": ["orders"],
        "targets": [{"component": "api", "address": "127.0.0.1:1"}]"#;
    check_idle_memory(role, "the virtual users wait for the first answer");
}
