//! The process: its exit codes, signals and logs.

#![cfg(test)]

use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

const CONFIG: &str = r#"{"architecture": "shop", "component": "web", "role": "service",
    "mode": "parallel", "routes": {}}"#;

struct Workload {
    child: Child,
    log: BufReader<ChildStdout>,
}

impl Drop for Workload {
    fn drop(&mut self) {
        // Both fail if the process has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Workload {
    fn start(folder: &Path, config: &str) -> Self {
        let file = folder.join("component.json");
        std::fs::write(&file, config).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_workload"))
            .arg("--config")
            .arg(file)
            .args(["--listen-ip", "127.0.0.1", "--traffic-port", "0", "--admin-port", "0"])
            .env("POD_NAME", "shop-web-1")
            .env_remove("RUST_LOG")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stdout.take().unwrap());
        Self { child, log }
    }

    /// The next line of the log; each is JSON.
    fn next_line(&mut self) -> Value {
        let mut line = String::new();
        self.log.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    /// Waits for the line with this message, skipping others.
    fn wait_for(&mut self, message: &str) -> Value {
        loop {
            let line = self.next_line();
            if line["message"] == message {
                return line;
            }
        }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    fn exit_code(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: web\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_stopped_pod_serves_for_its_grace_period_and_exits_with_0() {
    let folder = tempfile::tempdir().unwrap();
    let mut workload = Workload::start(folder.path(), CONFIG);
    let started = workload.wait_for("started");
    assert_eq!((&started["component"], &started["pod"]), (&"web".into(), &"shop-web-1".into()));
    let admin = started["admin"].as_str().unwrap().to_owned();
    let traffic = workload.wait_for("serving requests")["address"].as_str().unwrap().to_owned();
    assert!(get(&admin, "/readyz").starts_with("HTTP/1.1 200 "));
    assert!(get(&traffic, "/summary").starts_with("HTTP/1.1 200 "));

    let signaled = Instant::now();
    workload.signal("TERM");
    assert_eq!(workload.wait_for("stop requested")["grace_seconds"], 5);
    assert!(get(&admin, "/readyz").starts_with("HTTP/1.1 503 "));
    assert!(get(&traffic, "/summary").starts_with("HTTP/1.1 200 "));
    assert_eq!(workload.exit_code(), Some(0));
    let took = signaled.elapsed();
    assert!(took >= Duration::from_secs(5) && took < Duration::from_secs(25), "{took:?}");
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut workload = Workload::start(folder.path(), CONFIG);
    workload.wait_for("serving requests");
    workload.signal("INT");
    workload.wait_for("stop requested");
    workload.signal("TERM");
    assert_eq!(workload.exit_code(), Some(128 + 15));
}

#[test]
fn an_invalid_configuration_ends_the_process_with_a_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let mut workload = Workload::start(folder.path(), r#"{"architecture": "Shop"}"#);
    let error = workload.wait_for("the workload failed")["error"].as_str().unwrap().to_owned();
    assert!(
        error.contains("component.json is not valid: architecture name \"Shop\" must be"),
        "{error}"
    );
    assert_eq!(workload.exit_code(), Some(78));
}

#[test]
fn a_port_in_use_ends_the_process_with_a_clear_error() {
    let blocker = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = blocker.local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("component.json");
    std::fs::write(&file, CONFIG).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_workload"))
        .arg("--config")
        .arg(file)
        .args(["--pod", "p", "--listen-ip", "127.0.0.1", "--admin-port"])
        .arg(address.port().to_string())
        .output()
        .unwrap();
    let log = String::from_utf8(output.stdout).unwrap();
    assert!(log.contains(&format!("cannot listen on {address}: Address already in use")), "{log}");
    assert_eq!(output.status.code(), Some(1));
}

/// Answers each request with 404, as a model that has no item.
fn start_empty_model() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || answer_not_found(stream.unwrap()));
        }
    });
    address
}

/// Until the client closes the connection.
fn answer_not_found(mut stream: TcpStream) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let body = r#"{"error": "there is no such item"}"#;
    let answer = format!("HTTP/1.1 404 N\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    while let Some(Ok(line)) = lines.next() {
        if line.is_empty() && stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn load_report(admin: &str) -> Value {
    let answer = get(admin, "/observations");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str::<Value>(body).unwrap()["load"].clone()
}

/// Waits until the report of a load is as expected.
fn wait_for_report(admin: &str, what: &str, is_expected: impl Fn(&Value) -> bool) -> Value {
    let start = Instant::now();
    loop {
        let report = load_report(admin);
        if is_expected(&report) {
            return report;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "never shown: {what}: {report}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_paused_load_reports_what_it_missed_and_blames_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let target = start_empty_model();
    let config = format!(
        r#"{{"architecture": "shop", "component": "load", "role": "load",
            "targets": [{{"component": "web", "address": "{target}"}}], "requestsPerSecond": 100,
            "writePercent": 0, "summaryPercent": 0, "items": 10, "collections": ["items"]}}"#
    );
    let mut workload = Workload::start(folder.path(), &config);
    let admin = workload.wait_for("started")["admin"].as_str().unwrap().to_owned();
    wait_for_report(&admin, "answers", |report| report["succeeded"].as_u64() >= Some(50));
    workload.signal("STOP");
    // Longer than the load catches up, so that some are dropped and others are late.
    std::thread::sleep(Duration::from_secs(4));
    workload.signal("CONT");
    let missed = |report: &Value| report["dropped"].as_u64() >= Some(100);
    let report = wait_for_report(&admin, "dropped requests", missed);
    assert!(report["late"].as_u64() >= Some(10), "{report}");
    assert!(report["maxLagMillis"].as_u64() >= Some(400), "{report}");
    assert_eq!(report["generatorBehind"], true, "{report}");
    let more = report["succeeded"].as_u64().unwrap() + 50;
    let report =
        wait_for_report(&admin, "answers", |report| report["succeeded"].as_u64() >= Some(more));
    assert_eq!(report["failed"], 0, "{report}");
    let metrics = get(&admin, "/metrics");
    assert!(!metrics.contains("maquette_load_dropped_requests_total 0\n"), "{metrics}");
}

/// Answers a request for an item that does not exist, after `pause`.
fn answer_slowly(mut stream: TcpStream, pause: Duration) {
    let mut request = [0; 4096];
    while stream.read(&mut request).is_ok_and(|size| size > 0) {
        thread::sleep(pause);
        let body =
            r#"{"error":"none","trace":{"component":"web","role":"service","pod":"","micros":1}}"#;
        let head = format!("HTTP/1.1 404 Not Found\r\ncontent-length: {}\r\n\r\n", body.len());
        if stream.write_all(format!("{head}{body}").as_bytes()).is_err() {
            return;
        }
    }
}

#[test]
fn a_load_that_is_suspended_with_requests_in_flight_counts_none_of_them_as_failed() {
    let model = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = model.local_addr().unwrap();
    thread::spawn(move || {
        for stream in model.incoming() {
            thread::spawn(|| answer_slowly(stream.unwrap(), Duration::from_millis(300)));
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let config = serde_json::json!({
        "architecture": "shop", "component": "load", "role": "load",
        "targets": [{"component": "web", "address": address, "entry": true}],
        "requestsPerSecond": 50, "writePercent": 0, "summaryPercent": 0, "items": 10,
        "collections": ["items"],
    });
    let mut load = Workload::start(folder.path(), &config.to_string());
    let admin = load.wait_for("started")["admin"].as_str().unwrap().to_owned();
    let report = || {
        let answer = get(&admin, "/observations");
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        serde_json::from_str::<Value>(body).unwrap()["load"].clone()
    };
    let wait_for = |answers: u64| {
        let deadline = Instant::now() + Duration::from_secs(60);
        while report()["succeeded"].as_u64() < Some(answers) {
            assert!(Instant::now() < deadline, "fewer than {answers} answers: {}", report());
            thread::sleep(Duration::from_millis(10));
        }
    };
    wait_for(20);
    load.signal("STOP");
    // Longer than the time-out of a request.
    thread::sleep(Duration::from_secs(12));
    load.signal("CONT");
    let before = report()["succeeded"].as_u64().unwrap();
    wait_for(before + 50);
    let seen = report();
    assert_eq!(seen["failed"], 0, "{seen}");
    assert!(seen["dropped"].as_u64() > Some(0), "{seen}");
}
