//! What readers see while several pods write and the old home comes out of use.

use super::*;
use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

/// Few, so that writers meet.
const PATHS: [&str; 3] = ["/items/books/1", "/items/books/2", "/items/cars/1"];

/// What is known of an item.
#[derive(Default)]
struct Known {
    /// The newest version that anybody was told of.
    newest: Option<Version>,
    values: BTreeMap<Version, serde_json::Value>,
}

/// All that was told to users. Nobody is told anything older than what somebody was told before he
/// asked, and a version always has the same value.
#[derive(Default)]
struct History {
    items: Mutex<BTreeMap<&'static str, Known>>,
    told: AtomicU64,
}

impl History {
    fn newest(&self, path: &'static str) -> Option<Version> {
        self.items.lock().unwrap().entry(path).or_default().newest.clone()
    }

    fn told(&self, path: &'static str, got: &Got) {
        let (version, value) = (got.version(), got.value());
        let mut items = self.items.lock().unwrap();
        let known = items.entry(path).or_default();
        let before = known.values.entry(version.clone()).or_insert_with(|| value.clone());
        assert_eq!(*before, value, "{path} {version}: two values of one version");
        known.newest = known.newest.take().max(Some(version));
        self.told.fetch_add(1, Ordering::SeqCst);
    }

    async fn write(&self, service: &Service, path: &'static str, value: &str) {
        let before = self.newest(path);
        let got = service.put(path, &serde_json::json!(value).to_string()).await;
        assert_eq!(got.value(), value);
        assert!(Some(got.version()) > before, "{path}: {} is not after {before:?}", got.version());
        self.told(path, &got);
    }

    async fn read(&self, service: &Service, path: &'static str) {
        let before = self.newest(path);
        let got = service.get(path).await;
        if before.is_none() && got.status == StatusCode::NOT_FOUND {
            return;
        }
        assert!(Some(got.version()) >= before, "{path}: {} is before {before:?}", got.version());
        self.told(path, &got);
    }

    /// Waits until users were told something so often.
    async fn goes_on(&self, times: u64) {
        let enough = self.told.load(Ordering::SeqCst) + times;
        until("requests go on", || self.told.load(Ordering::SeqCst) >= enough).await;
    }

    /// Whoever asks `service` gets the newest of everything.
    async fn is_all_in(&self, service: &Service) {
        for path in PATHS {
            let got = service.get(path).await;
            assert_eq!(Some(got.version()), self.newest(path), "{path}");
            self.told(path, &got);
        }
    }
}

/// Users that write and read in turn through all the services.
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
async fn versions_never_go_back_for_anybody_while_old_and_new_owners_write() {
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
        history.goes_on(100).await;
        // The copy runs beside the requests, time and again.
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
        history.is_all_in(service).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_while_the_origin_is_dropped_pod_by_pod() {
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
        let complete = || copy_under(pod, &text).is_some_and(|copy| copy.complete);
        until("the copy is complete", complete).await;
    }
    // From now on one pod asks both homes and the other one the new home alone.
    reconfigure(&pods[1], &document("two", owner_config(&new.address))).await;
    history.goes_on(200).await;
    reconfigure(&pods[0], &document("one", owner_config(&new.address))).await;
    drop(old.stop().await);
    history.goes_on(100).await;
    users.end().await;
    for pod in &pods {
        history.is_all_in(pod).await;
    }
}
