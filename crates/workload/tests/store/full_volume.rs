//! A volume without room: a small file system in memory, in a mount namespace of its own.

use crate::store_process::StoreProcess;
use redis::{Commands, RedisResult};
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// A mounted volume; unmounted when dropped.
struct SmallVolume {
    holder: Child,
    directory: TempDir,
}

impl SmallVolume {
    fn mount(mebibytes: u32) -> Self {
        let directory = TempDir::new().unwrap();
        let script =
            format!("mount -t tmpfs -o size={mebibytes}m none \"$0\" && echo ready && cat");
        let mut holder = Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "sh", "-c", &script])
            .arg(directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(holder.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "cannot mount a file system in a user namespace");
        Self { holder, directory }
    }

    /// The volume, as this process sees it.
    fn path(&self) -> PathBuf {
        let directory = self.directory.path().strip_prefix("/").unwrap();
        Path::new(&format!("/proc/{}/root", self.holder.id())).join(directory)
    }

    fn start_store(&self) -> StoreProcess {
        let mut command = Command::new("nsenter");
        command
            .args(["--target", &self.holder.id().to_string(), "--user", "--mount"])
            .args(["--preserve-credentials", env!("CARGO_BIN_EXE_workload")]);
        StoreProcess::start_by(command, self.directory.path())
    }

    /// Writes a file that takes all the free space.
    fn fill(&self) {
        let mut filler = File::create(self.path().join("filler")).unwrap();
        let block = [7; 4096];
        let error = loop {
            if let Err(error) = filler.write_all(&block) {
                break error;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }

    fn remove_filler(&self) {
        std::fs::remove_file(self.path().join("filler")).unwrap();
    }
}

impl Drop for SmallVolume {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
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
    let store = volume.start_store();
    let mut redis = store.connect();
    let written = write_until_full(&mut redis);
    assert!(written > 60, "full after {written} items of 100 KiB in 24 MiB");
    let metrics = store.fetch_admin("/metrics");
    assert!(metrics.contains("maquette_storage_volume_full 1"), "{metrics}");
    assert!(metrics.contains("maquette_storage_refused_writes_total 1"), "{metrics}");
    assert!(store.fetch_admin("/observations").contains(r#""full":true"#));

    // A restart changes nothing.
    drop(store);
    let store = volume.start_store();
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

#[test]
fn a_volume_that_something_else_has_filled_serves_reads_and_deletes_also_after_a_crash() {
    let volume = SmallVolume::mount(24);
    let store = volume.start_store();
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
    let store = volume.start_store();
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
