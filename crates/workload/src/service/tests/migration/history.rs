//! Consistency of reads while several pods write and the source is dropped: the answers about each
//! item are linearizable.

use super::*;
use crate::peer::tests::linearizability::{Action, Operation, is_linearizable};
use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

/// Few, so that writes of one item are concurrent.
const PATHS: [&str; 3] = ["/items/books/1", "/items/books/2", "/items/cars/1"];

/// The answers about one item.
#[derive(Default)]
struct ItemHistory {
    /// The newest version in any answer.
    newest: Option<Version>,
    values: BTreeMap<Version, serde_json::Value>,
    operations: Vec<Operation>,
}

/// All answers. No answer is older than an answer that ended before its request began, and a version
/// always has the same value.
#[derive(Default)]
struct History {
    items: Mutex<BTreeMap<&'static str, ItemHistory>>,
    /// Every value that was written, in the order of the first answers: its number stands for it.
    numbers: Mutex<Vec<serde_json::Value>>,
    /// Grows with every start and end of an operation.
    clock: AtomicU64,
    answers: AtomicU64,
}

impl History {
    fn newest(&self, path: &'static str) -> Option<Version> {
        self.items.lock().unwrap().entry(path).or_default().newest.clone()
    }

    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    fn number_of(&self, value: &serde_json::Value) -> u64 {
        let mut numbers = self.numbers.lock().unwrap();
        let known = numbers.iter().position(|known| known == value);
        let position = known.unwrap_or_else(|| {
            numbers.push(value.clone());
            numbers.len() - 1
        });
        u64::try_from(position).unwrap()
    }

    fn record_operation(&self, path: &'static str, start: u64, action: Action) {
        let operation = Operation { start, end: self.tick(), action };
        self.items.lock().unwrap().entry(path).or_default().operations.push(operation);
    }

    fn assert_linearizable(&self) {
        for (path, item) in &*self.items.lock().unwrap() {
            assert!(is_linearizable(&item.operations), "{path}: {:?}", item.operations);
        }
    }

    fn record_answer(&self, path: &'static str, got: &ClientResponse) {
        let (version, value) = (got.version(), got.value());
        let mut items = self.items.lock().unwrap();
        let item = items.entry(path).or_default();
        let before = item.values.entry(version.clone()).or_insert_with(|| value.clone());
        assert_eq!(*before, value, "{path} {version}: two values of one version");
        item.newest = item.newest.take().max(Some(version));
        self.answers.fetch_add(1, Ordering::SeqCst);
    }

    async fn write(&self, service: &Service, path: &'static str, value: &str) {
        let (before, start) = (self.newest(path), self.tick());
        let got = service.put(path, &serde_json::json!(value).to_string()).await;
        assert_eq!(got.value(), value);
        self.record_operation(path, start, Action::Write(self.number_of(&got.value())));
        assert!(Some(got.version()) > before, "{path}: {} is not after {before:?}", got.version());
        self.record_answer(path, &got);
    }

    async fn read(&self, service: &Service, path: &'static str) {
        let (before, start) = (self.newest(path), self.tick());
        let got = service.get(path).await;
        if before.is_none() && got.status == StatusCode::NOT_FOUND {
            self.record_operation(path, start, Action::Read(None));
            return;
        }
        self.record_operation(path, start, Action::Read(Some(self.number_of(&got.value()))));
        assert!(Some(got.version()) >= before, "{path}: {} is before {before:?}", got.version());
        self.record_answer(path, &got);
    }

    /// Waits for this many more answers.
    async fn wait_for_answers(&self, times: u64) {
        let enough = self.answers.load(Ordering::SeqCst) + times;
        wait_until("requests continue", || self.answers.load(Ordering::SeqCst) >= enough).await;
    }

    /// Asserts that `service` answers the newest version of every item.
    async fn assert_all_in(&self, service: &Service) {
        for path in PATHS {
            let got = service.get(path).await;
            assert_eq!(Some(got.version()), self.newest(path), "{path}");
            self.record_answer(path, &got);
        }
        self.assert_linearizable();
    }
}

/// Concurrent users: half of them write, half read, each through all services in turn.
struct Users {
    done: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Users {
    fn start(history: &Arc<History>, services: &[Arc<Service>]) -> Self {
        let done = Arc::new(AtomicBool::new(false));
        let users = (0..6).map(|user| {
            let (done, history) = (Arc::clone(&done), Arc::clone(history));
            let services = services.to_vec();
            tokio::spawn(async move {
                let mut turn = user;
                while !done.load(Ordering::SeqCst) {
                    turn += 1;
                    let path = PATHS[turn % PATHS.len()];
                    let service = &services[(turn / PATHS.len() + user) % services.len()];
                    match user % 2 {
                        0 => history.write(service, path, &format!("{user}/{turn}")).await,
                        _ => history.read(service, path).await,
                    }
                }
            })
        });
        let tasks = users.collect();
        Self { done, tasks }
    }

    async fn end(self) {
        self.done.store(true, Ordering::SeqCst);
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

async fn start(name: &str, config: &ServiceConfig) -> Arc<Service> {
    Arc::new(Service::start(name, config.clone()).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn versions_never_go_back_while_old_and_new_owners_write() {
    let (old, new) = (Store::start().await, Store::start().await);
    let long_ago = record(1, "long ago");
    new.fill(&[("books/2".to_owned(), long_ago.as_str())]).await;
    let (before, after) =
        (owner_config(&old.address), migrating_config(&new.address, &old.address));
    let services = [
        start("before-a", &before).await,
        start("before-b", &before).await,
        start("after-a", &after).await,
        start("after-b", &after).await,
    ];
    let history = Arc::new(History::default());
    for path in PATHS {
        history.write(&services[0], path, "first").await;
    }
    let users = Users::start(&history, &services);
    for _ in 0..3 {
        history.wait_for_answers(100).await;
        // The backfill runs again beside the requests.
        let texts = [
            document("after-a", with_final_pass(after.clone())),
            document("after-a", after.clone()),
        ];
        for text in texts {
            reconfigure(&services[2], &text).await;
        }
    }
    users.end().await;
    for service in &services {
        history.assert_all_in(service).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_write_is_lost_while_pods_drop_the_source() {
    let (old, new) = (Store::start().await, Store::start().await);
    let history = Arc::new(History::default());
    let before = start("before", &owner_config(&old.address)).await;
    for path in PATHS {
        history.write(&before, path, "by the old owner").await;
    }
    let config = with_final_pass(migrating_config(&new.address, &old.address));
    let pods = [start("one", &config).await, start("two", &config).await];
    let users = Users::start(&history, &pods);
    for (name, pod) in ["one", "two"].into_iter().zip(&pods) {
        let text = document(name, config.clone());
        let complete = || backfill_under(pod, &text).is_some_and(|report| report.complete);
        wait_until("the backfill is complete", complete).await;
    }
    // From now on one pod uses source and target, the other the target alone.
    reconfigure(&pods[1], &document("two", owner_config(&new.address))).await;
    history.wait_for_answers(200).await;
    reconfigure(&pods[0], &document("one", owner_config(&new.address))).await;
    drop(old.stop().await);
    history.wait_for_answers(100).await;
    users.end().await;
    for pod in &pods {
        history.assert_all_in(pod).await;
    }
}
