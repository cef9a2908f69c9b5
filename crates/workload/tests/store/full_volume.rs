//! A volume without room.

use crate::{small_volume::SmallVolume, store_process::StoreProcess};
use redis::{Commands, RedisResult};
use std::{
    io::BufRead,
    thread,
    time::{Duration, Instant},
};

fn start_store(volume: &SmallVolume) -> StoreProcess {
    let workload = volume.command(env!("CARGO_BIN_EXE_workload"));
    StoreProcess::start_by(workload, volume.directory())
}

/// Repeats `write` until it succeeds: at the latest some seconds after there is room.
fn write_until_accepted(mut write: impl FnMut() -> RedisResult<()>) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while let Err(error) = write() {
        assert_eq!(error.code(), Some("OOM"), "{error}");
        assert!(Instant::now() < deadline, "still refused: {error}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Writes items of 100 KiB until one is refused; returns how many were accepted.
fn write_until_full(redis: &mut redis::Connection) -> usize {
    let value = vec![b'x'; 100 * 1024];
    for number in 0..1000 {
        let outcome: RedisResult<()> = redis.set(format!("large/{number}"), &value);
        if let Err(error) = outcome {
            assert_eq!(error.code(), Some("OOM"), "{error}");
            assert!(error.to_string().contains("the volume is full"), "{error}");
            return number;
        }
    }
    panic!("the volume is never full");
}

#[test]
fn a_full_volume_serves_reads_and_deletes_and_then_writes_again() {
    let volume = SmallVolume::mount(24);
    let store = start_store(&volume);
    let mut redis = store.connect();
    let written = write_until_full(&mut redis);
    assert!(written > 60, "full after {written} items of 100 KiB in 24 MiB");
    let metrics = store.fetch_admin("/metrics");
    assert!(metrics.contains("maquette_storage_volume_full 1"), "{metrics}");
    assert!(metrics.contains("maquette_storage_refused_writes_total 1"), "{metrics}");
    assert!(store.fetch_admin("/observations").contains(r#""full":true"#));

    // A restart changes nothing.
    drop(store);
    let store = start_store(&volume);
    let mut redis = store.connect();
    assert_eq!(redis.get::<_, Vec<u8>>("large/0").unwrap().len(), 100 * 1024);
    for number in 0..written / 2 {
        assert_eq!(redis.del::<_, u32>(format!("large/{number}")).unwrap(), 1);
    }
    // The file keeps its size, but has room for as much as was deleted, less what is kept for deletes.
    let value = vec![b'y'; 100 * 1024];
    for number in 0..written / 4 {
        write_until_accepted(|| redis.set(format!("again/{number}"), &value));
    }
    assert_eq!(
        redis.get::<_, Vec<u8>>(format!("large/{}", written - 1)).unwrap().len(),
        100 * 1024
    );
}

/// Reads the log to the line with this message, and returns it with those before it.
fn log_until(store: &mut StoreProcess, message: &str) -> Vec<serde_json::Value> {
    let mut lines = vec![];
    loop {
        let mut line = String::new();
        assert!(store.log.read_line(&mut line).unwrap() > 0, "no line {message:?} in {lines:?}");
        lines.push(serde_json::from_str::<serde_json::Value>(&line).unwrap());
        let text = lines[lines.len() - 1]["message"].as_str().unwrap_or_default();
        if text.starts_with(message) {
            return lines;
        }
    }
}

#[test]
fn a_warning_comes_once_when_nine_tenths_of_the_volume_are_used() {
    let volume = SmallVolume::mount(24);
    let mut store = start_store(&volume);
    let mut redis = store.connect();
    write_until_full(&mut redis);
    let lines = log_until(&mut store, "the volume is full");
    let warnings: Vec<_> = lines
        .iter()
        .filter(|line| line["message"] == "the volume is nearly full; enlarge it")
        .collect();
    assert_eq!(warnings.len(), 1, "{lines:?}");
    let (warning, total) = (warnings[0], 24 << 20);
    assert_eq!((&warning["level"], &warning["total"]), (&"WARN".into(), &total.into()));
    let free = warning["free"].as_u64().unwrap();
    assert!(free * 10 <= total && free * 20 > total, "late or early: {warning}");
    assert!(warning["percent"].as_u64().unwrap() >= 90, "{warning}");
    let report = store.fetch_admin("/observations");
    let seen: serde_json::Value =
        serde_json::from_str(report.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(seen["volume"]["bytes"], total, "{seen}");
    assert!(seen["volume"]["freeBytes"].as_u64().unwrap() <= total / 10, "{seen}");
}

#[test]
fn a_volume_that_something_else_has_filled_serves_reads_and_deletes_also_after_a_crash() {
    let volume = SmallVolume::mount(24);
    let store = start_store(&volume);
    let mut redis = store.connect();
    let _: () = redis.set("kept", "1").unwrap();
    for number in 0..50 {
        let _: () = redis.set(format!("small/{number}"), "x").unwrap();
    }
    volume.fill();
    write_until_refused(&mut redis);
    assert_eq!(redis.get::<_, String>("kept").unwrap(), "1");
    assert_eq!(redis.del::<_, u32>("small/0").unwrap(), 1);
    // Killed while the volume is full: the recovery needs room too.
    drop(store);
    let store = start_store(&volume);
    let mut redis = store.connect();
    assert_eq!(redis.get::<_, String>("kept").unwrap(), "1");
    assert_eq!(redis.del::<_, u32>("small/1").unwrap(), 1);
    assert_eq!(redis.get::<_, Option<String>>("small/0").unwrap(), None);
    volume.remove_filler();
    write_until_accepted(|| redis.set("new", "2"));
    assert_eq!(redis.get::<_, String>("new").unwrap(), "2");
}

/// Writes until the store has noticed that the volume is full.
fn write_until_refused(redis: &mut redis::Connection) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let outcome: RedisResult<()> = redis.set("large", vec![b'x'; 100 * 1024]);
        match outcome {
            Ok(()) => assert!(Instant::now() < deadline, "a full volume takes all writes"),
            Err(error) => return assert_eq!(error.code(), Some("OOM"), "{error}"),
        }
    }
}
