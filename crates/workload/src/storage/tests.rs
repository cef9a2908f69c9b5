use super::*;
use proptest::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};
use tempfile::TempDir;

fn open(directory: &TempDir) -> Storage {
    Storage::open(directory.path()).unwrap()
}

fn value(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

#[tokio::test]
async fn writes_are_read_and_survive_reopening() {
    let directory = TempDir::new().unwrap();
    let storage = open(&directory);
    storage.put(b"a", value("1")).await.unwrap();
    storage.put(b"b", value("2")).await.unwrap();
    assert!(storage.delete(b"b").await.unwrap());
    assert!(!storage.delete(b"b").await.unwrap());
    drop(storage);
    let storage = open(&directory);
    assert_eq!(storage.get(b"a").await.unwrap(), Some(value("1")));
    assert_eq!(storage.multi_get(&[b"b", b"a"]).await.unwrap(), [None, Some(value("1"))]);
    assert_eq!(storage.item_count(), 1);
}

#[tokio::test]
async fn a_conditional_write_sees_the_writes_queued_before_it() {
    let directory = TempDir::new().unwrap();
    let storage = open(&directory);
    let add = |before: Option<&[u8]>| {
        let count = before.map_or(0, |bytes| bytes.len()) + 1;
        (Change::Put(Bytes::from(vec![b'x'; count])), count)
    };
    let mut outcomes = Vec::new();
    for _ in 0..100 {
        outcomes.push(storage.submit(b"count", add).await.unwrap());
    }
    for (index, outcome) in outcomes.into_iter().enumerate() {
        assert_eq!(outcome.await.unwrap(), index + 1);
    }
}

/// Otherwise one of the writes is refused after the others are applied.
#[test]
fn room_for_several_writes_is_room_for_each() {
    let backend = redb::backends::InMemoryBackend::new();
    let database = redb::Database::builder().create_with_backend(backend).unwrap();
    let values = [0, 100, 2100, 3000, 70_000].map(|length| vec![b'x'; length]);
    let pairs = || values.iter().map(|value| (&b"a long key of 24 bytes ."[..], &value[..]));
    let mut accepted = 0;
    for allowance in (0..400_000).step_by(500) {
        let transaction = database.begin_write().unwrap();
        let mut items = ItemsMut::open(&transaction, 0, allowance, Generations::default()).unwrap();
        if items.require_room_for(pairs()).is_ok() {
            accepted += 1;
            for (key, value) in pairs() {
                let put = items.put(key, value, Expiry::Never);
                assert!(put.is_ok(), "{} bytes within {allowance}: {put:?}", value.len());
            }
        }
    }
    assert!(accepted > 100, "{accepted}");
}

#[tokio::test]
async fn a_write_without_a_change_makes_no_commit() {
    let directory = TempDir::new().unwrap();
    let storage = open(&directory);
    storage.put(b"a", value("1")).await.unwrap();
    let commits = storage.commit_count();
    let seen = storage.update(b"a", |before| (Change::Keep, before.map(<[u8]>::to_vec)));
    assert_eq!(seen.await.unwrap(), Some(b"1".to_vec()));
    assert_eq!(storage.commit_count(), commits);
}

/// Blocks the writer thread until the sender is used, so that the writes queued until then are one
/// batch.
async fn block_writer(storage: &Storage) -> (mpsc::Sender<()>, impl Future<Output = ()> + use<>) {
    let (go, wait) = mpsc::channel();
    let (started, running) = tokio::sync::oneshot::channel();
    let blocked = storage.submit(b"blocked", move |_| {
        started.send(()).unwrap();
        wait.recv().unwrap();
        (Change::Keep, ())
    });
    let outcome = blocked.await.unwrap();
    running.await.unwrap();
    (go, async { outcome.await.unwrap() })
}

#[tokio::test]
async fn concurrent_writes_share_a_commit() {
    let directory = TempDir::new().unwrap();
    let storage = open(&directory);
    let (go, blocked) = block_writer(&storage).await;
    let mut outcomes = Vec::new();
    for key in 0_u32..500 {
        let put = move |_: Option<&[u8]>| (Change::Put(value("x")), ());
        outcomes.push(storage.submit(&key.to_be_bytes(), put).await.unwrap());
    }
    go.send(()).unwrap();
    blocked.await;
    for outcome in outcomes {
        outcome.await.unwrap();
    }
    assert_eq!(storage.item_count(), 500);
    assert_eq!(storage.commit_count(), 1);
}

#[tokio::test]
async fn a_read_sees_only_committed_writes_and_waits_for_none() {
    let directory = TempDir::new().unwrap();
    let storage = open(&directory);
    storage.put(b"a", value("old")).await.unwrap();
    let (go, blocked) = block_writer(&storage).await;
    let put = storage.submit(b"a", |_| (Change::Put(value("new")), ())).await.unwrap();
    assert_eq!(storage.get(b"a").await.unwrap(), Some(value("old")));
    go.send(()).unwrap();
    blocked.await;
    put.await.unwrap();
    assert_eq!(storage.get(b"a").await.unwrap(), Some(value("new")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledged_write_is_in_every_later_read() {
    let directory = TempDir::new().unwrap();
    let storage = open(&directory);
    storage.put(b"count", Bytes::from_static(b"0")).await.unwrap();
    let newest = |storage: &Storage| {
        let read = storage.try_read(b"count", |value| {
            std::str::from_utf8(value.unwrap()).unwrap().parse::<u64>().unwrap()
        });
        read.unwrap()
    };
    let (reading, readers) = (storage.clone(), Arc::new(AtomicBool::new(false)));
    let stop = readers.clone();
    // Other readers open the snapshots that all share, at any moment of a commit.
    let reader = tokio::spawn(async move {
        let mut last = 0;
        while !stop.load(Ordering::Relaxed) {
            let read = newest(&reading).unwrap_or(last);
            assert!(read >= last, "{read} was read after {last}");
            last = read;
            tokio::task::yield_now().await;
        }
    });
    for number in 1..=300_u64 {
        storage.put(b"count", Bytes::from(number.to_string())).await.unwrap();
        assert!(newest(&storage).is_none_or(|read| read == number));
        let read = storage.get(b"count").await.unwrap().unwrap();
        assert_eq!(read, number.to_string());
    }
    readers.store(true, Ordering::Relaxed);
    reader.await.unwrap();
}

#[tokio::test]
async fn a_write_above_the_limit_is_refused_alone_in_its_batch() {
    let directory = TempDir::new().unwrap();
    let storage = open(&directory);
    let (go, blocked) = block_writer(&storage).await;
    let large = Bytes::from(vec![0; MAX_VALUE + 1]);
    let refused = storage.submit(b"a", move |_| (Change::Put(large), ())).await.unwrap();
    let accepted = storage.submit(b"b", |_| (Change::Put(value("1")), ())).await.unwrap();
    go.send(()).unwrap();
    blocked.await;
    assert!(matches!(refused.await, Err(StorageError::TooLarge { .. })));
    accepted.await.unwrap();
    assert_eq!(storage.get(b"a").await.unwrap(), None);
    assert_eq!(storage.get(b"b").await.unwrap(), Some(value("1")));
    let refused = storage.put(&[0; MAX_KEY + 1], value("1")).await;
    assert!(matches!(refused, Err(StorageError::TooLarge { .. })));
}

#[tokio::test]
async fn a_file_in_use_or_damaged_is_an_error_with_its_path() {
    let directory = TempDir::new().unwrap();
    let _storage = open(&directory);
    let error = Storage::open(directory.path()).err().unwrap().to_string();
    assert!(error.contains("items.redb") && error.contains("no other process"), "{error}");

    let directory = TempDir::new().unwrap();
    std::fs::write(directory.path().join(FILE_NAME), "not a database").unwrap();
    let error = Storage::open(directory.path()).err().unwrap().to_string();
    assert!(error.contains("items.redb"), "{error}");

    let error = Storage::open(&directory.path().join("none")).err().unwrap().to_string();
    assert!(error.contains("none/items.redb") && error.contains("mounted"), "{error}");
}

#[tokio::test]
async fn a_failed_read_is_reported_as_a_failure_of_the_disk() {
    let directory = TempDir::new().unwrap();
    let storage = open(&directory);
    let large = Bytes::from(vec![b'x'; MAX_VALUE]);
    // More than the cache holds.
    for item in 0..4 * CACHE_BYTES / MAX_VALUE {
        storage.put(format!("{item}").as_bytes(), large.clone()).await.unwrap();
    }
    let file = File::options().write(true).open(directory.path().join(FILE_NAME)).unwrap();
    file.set_len(0).unwrap();
    let read = storage.scan(None, usize::MAX).await;
    assert!(matches!(read, Err(StorageError::Disk(_))), "{read:?}");
    let failed = storage.wait_for_failure().await;
    assert!(matches!(failed, StorageError::Disk(_)), "{failed}");
}

#[tokio::test]
async fn scans_in_pages_of_any_size_return_every_item_once() {
    let directory = TempDir::new().unwrap();
    let storage = open(&directory);
    let all: BTreeSet<Bytes> = (0..200).map(|n| Bytes::from(format!("orders/{n}"))).collect();
    for key in &all {
        storage.put(key, value("v")).await.unwrap();
    }
    for limit in [1, 7, 200, 1000] {
        let mut found = Vec::new();
        let mut after: Option<Bytes> = None;
        loop {
            let page = storage.scan(after.as_deref(), limit).await.unwrap();
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            assert!(page.len() <= limit);
            found.extend(page.into_iter().map(|(key, _)| key));
        }
        assert_eq!(found.len(), all.len());
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), all);
    }
}

#[tokio::test]
async fn a_page_of_large_values_ends_early() {
    let directory = TempDir::new().unwrap();
    let storage = open(&directory);
    for key in [b"a", b"b", b"c"] {
        storage.put(key, Bytes::from(vec![0; MAX_VALUE])).await.unwrap();
    }
    assert_eq!(storage.scan(None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_key_scan_returns_every_key_that_exists_throughout() {
    let directory = TempDir::new().unwrap();
    let storage = open(&directory);
    let kept: BTreeSet<Bytes> = (0..100).map(|n| Bytes::from(format!("kept/{n}"))).collect();
    for key in &kept {
        storage.put(key, value("v")).await.unwrap();
    }
    let mut found = BTreeSet::new();
    let mut start = Some(Position::START);
    let mut page_number = 0;
    while let Some(position) = start {
        let (page, next) = storage.scan_keys(position, 3).await.unwrap();
        found.extend(page);
        start = next;
        // Other keys are written and deleted during the scan.
        storage.put(format!("new/{page_number}").as_bytes(), value("v")).await.unwrap();
        storage.delete(format!("new/{}", page_number / 2).as_bytes()).await.unwrap();
        page_number += 1;
    }
    assert!(found.is_superset(&kept));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn storage_behaves_like_a_map(
        writes in prop::collection::vec(
            (prop::collection::vec(0_u8..4, 0..3), prop::option::of(any::<Vec<u8>>())), 0..40,
        ),
    ) {
        let directory = TempDir::new().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut model = BTreeMap::new();
        let found = runtime.block_on(async {
            let storage = open(&directory);
            for (key, new) in writes {
                match new {
                    Some(new) => {
                        storage.put(&key, Bytes::from(new.clone())).await.unwrap();
                        model.insert(key, new);
                    }
                    None => {
                        let existed = storage.delete(&key).await.unwrap();
                        assert_eq!(existed, model.remove(&key).is_some());
                    }
                }
            }
            drop(storage);
            open(&directory).scan(None, 1000).await.unwrap()
        });
        let found: BTreeMap<Vec<u8>, Vec<u8>> =
            found.into_iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
        prop_assert_eq!(found, model);
    }
}

/// The environment variable that makes this test binary the child of the kill test.
const CHILD: &str = "STORAGE_TEST_CHILD_DIRECTORY";

/// Not a test of its own: writes until it is killed, eight writes at a time, and prints each key
/// once its write is acknowledged. Does nothing unless the test below starts it.
#[test]
fn child_that_writes_until_killed() {
    let Ok(directory) = std::env::var(CHILD) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let storage = Storage::open(Path::new(&directory)).unwrap();
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..8 {
            let storage = storage.clone();
            writers.spawn(async move {
                for number in 0_u64.. {
                    let key = format!("{writer}/{number}");
                    storage.put(key.as_bytes(), value(&key)).await.unwrap();
                    // One `write` call for each line, so that lines do not interleave.
                    std::io::stderr().write_all(format!("{key}\n").as_bytes()).unwrap();
                }
            });
        }
        writers.join_all().await;
    });
}

#[tokio::test]
async fn an_acknowledged_write_survives_kill_9() {
    let directory = TempDir::new().unwrap();
    let test = "storage::tests::child_that_writes_until_killed";
    for _ in 0..3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([test, "--exact", "--nocapture"])
            .env(CHILD, directory.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut acknowledged: Vec<String> =
            lines.by_ref().take(200).collect::<Result<_, _>>().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged.extend(lines.map(Result::unwrap));
        assert!(acknowledged.len() >= 200);
        let storage = open(&directory);
        for key in acknowledged {
            assert_eq!(storage.get(key.as_bytes()).await.unwrap(), Some(value(&key)), "{key}");
        }
    }
}

#[tokio::test]
async fn a_successor_waits_until_its_predecessor_has_closed_the_file() {
    let directory = TempDir::new().unwrap();
    let predecessor = open(&directory);
    predecessor.put(b"a", value("1")).await.unwrap();
    let path = directory.path().to_owned();
    let refused = Storage::open_when_released(path.clone(), Duration::ZERO).await;
    assert!(refused.is_err_and(|error| error.is_locked()));
    let waiting = Storage::open_when_released(path, Duration::from_secs(60));
    let (successor, ()) = tokio::join!(waiting, async {
        tokio::task::yield_now().await;
        drop(predecessor);
    });
    assert_eq!(successor.unwrap().get(b"a").await.unwrap(), Some(value("1")));
}
