//! The store as the process of a pod.

use crate::store_process::StoreProcess;
use redis::Commands;
use std::{io::Read, process::Command};
use tempfile::TempDir;

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
