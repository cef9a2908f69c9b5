//! The load against a model that is played: it stalls, fails and forgets as it is told.

use crate::runtime::{Document, Options, Process, Shutdown, lock};
use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use maquette_contract::{
    Address, Answer, ItemKey, LoadConfig, LoadTarget, NodeConfig, Observations, Outcome, Percent,
    ResponseTree, Role, RoleConfig, Summary, Version,
};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    net::TcpListener,
    task::JoinHandle,
    time::{Instant, sleep, sleep_until, timeout},
};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// How the played model behaves.
#[derive(Default)]
struct Play {
    items: BTreeMap<String, Version>,
    clock: u64,
    /// Nobody is answered before this time.
    stalled_until: Option<Instant>,
    /// Everybody gets 503.
    fails: bool,
    /// Writes are acknowledged and forgotten.
    forgets: bool,
}

#[derive(Clone, Default)]
struct Model(Arc<Mutex<Play>>);

impl Model {
    async fn start(&self) -> Address {
        let router = Router::new()
            .route("/ping", get(async || StatusCode::NO_CONTENT))
            .route("/items/{kind}/{id}", get(read).put(write))
            .route("/summary", get(summary))
            .with_state(self.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = Address(listener.local_addr().unwrap().to_string());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        address
    }

    fn set(&self, change: impl FnOnce(&mut Play)) {
        change(&mut lock(&self.0));
    }

    /// Waits as long as the play says; true if the answer is a failure.
    async fn fails(&self) -> bool {
        let (stalled_until, fails) = {
            let play = lock(&self.0);
            (play.stalled_until, play.fails)
        };
        if let Some(until) = stalled_until {
            sleep_until(until).await;
        }
        fails
    }
}

async fn read(State(model): State<Model>, Path((kind, id)): Path<(String, String)>) -> Response {
    if model.fails().await {
        return failure(StatusCode::SERVICE_UNAVAILABLE);
    }
    let key = format!("{kind}/{id}");
    match lock(&model.0).items.get(&key) {
        Some(version) => item(&key, version.clone()),
        None => failure(StatusCode::NOT_FOUND),
    }
}

async fn write(State(model): State<Model>, Path((kind, id)): Path<(String, String)>) -> Response {
    if model.fails().await {
        return failure(StatusCode::SERVICE_UNAVAILABLE);
    }
    let key = format!("{kind}/{id}");
    let mut play = lock(&model.0);
    play.clock += 1;
    let version = Version { millis: play.clock, counter: 0, writer: "w".to_owned() };
    if !play.forgets {
        play.items.insert(key.clone(), version.clone());
    }
    item(&key, version)
}

async fn summary(State(model): State<Model>) -> Response {
    if model.fails().await {
        return failure(StatusCode::SERVICE_UNAVAILABLE);
    }
    answer(StatusCode::OK, Outcome::Summary(Summary::default()))
}

fn item(key: &str, version: Version) -> Response {
    let ItemKey { kind, id } = ItemKey::parse(key).unwrap();
    answer(StatusCode::OK, Outcome::Item { kind, id, version, value: 1.into() })
}

fn failure(status: StatusCode) -> Response {
    answer(status, Outcome::Error("as told".to_owned()))
}

fn answer(status: StatusCode, outcome: Outcome) -> Response {
    let trace = ResponseTree {
        node: "client".parse().unwrap(),
        role: Role::Service,
        pod: "client-0".to_owned(),
        micros: 1,
        queries: vec![],
        calls: vec![],
        error: None,
    };
    (status, Json(Answer { outcome, trace, padding: String::new() })).into_response()
}

/// A running load.
struct Load {
    directory: TempDir,
    admin: String,
    shutdown: Shutdown,
    task: JoinHandle<Result<(), crate::RunError>>,
}

fn config(targets: &[&Address]) -> LoadConfig {
    let target = |address: &&Address| LoadTarget {
        node: "client".parse().unwrap(),
        address: (*address).clone(),
    };
    LoadConfig {
        targets: targets.iter().map(target).collect(),
        requests_per_second: 200,
        write_percent: Percent::try_from(30).unwrap(),
        summary_percent: Percent::try_from(5).unwrap(),
        items: 20,
        kinds: vec!["items".parse().unwrap()],
    }
}

impl Load {
    async fn start(config: LoadConfig) -> Self {
        let directory = TempDir::new().unwrap();
        let path = write_config(&directory, config);
        let admin = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let options = Options {
            config: path.clone(),
            data: None,
            pod: "shop-load-0".to_owned(),
            listen_ip: admin.ip(),
            traffic_port: 0,
            store_port: 0,
            peers_port: 0,
            admin_port: admin.port(),
        };
        let document = Document::read(&path).unwrap();
        let shutdown = Shutdown::new(Duration::ZERO);
        let process = Process { options, document, shutdown: shutdown.clone() };
        let task = tokio::spawn(super::run(process));
        Self { directory, admin: admin.to_string(), shutdown, task }
    }

    /// Changes the configuration and waits until no request runs under the one before.
    async fn configure(&self, config: LoadConfig) -> Observations {
        let path = write_config(&self.directory, config);
        let wanted = Document::read(&path).unwrap().revision;
        let in_force =
            |report: &Observations| report.revision == wanted && report.older_requests == 0;
        self.until("the new configuration", in_force).await
    }

    async fn text(&self, path: &str) -> Option<String> {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(&self.admin).await.ok()?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
    }

    /// Waits until the report shows what is wanted, and gives it.
    async fn until(&self, what: &str, wanted: impl Fn(&Observations) -> bool) -> Observations {
        let mut newest = None;
        let shown = async {
            loop {
                let text = self.text("/observations").await.unwrap_or_default();
                newest = serde_json::from_str::<Observations>(&text).ok();
                if let Some(report) = newest.as_ref().filter(|report| wanted(report)) {
                    return report.clone();
                }
                sleep(Duration::from_millis(10)).await;
            }
        };
        let shown = timeout(PATIENCE, shown).await;
        shown.unwrap_or_else(|_| panic!("never shown: {what}; the newest report is {newest:?}"))
    }

    async fn stop(self) {
        self.shutdown.begin();
        timeout(PATIENCE, self.task).await.unwrap().unwrap().unwrap();
    }
}

fn write_config(directory: &TempDir, config: LoadConfig) -> PathBuf {
    let config = NodeConfig {
        architecture: "shop".parse().unwrap(),
        node: "load".parse().unwrap(),
        role: RoleConfig::Load(config),
    };
    let (path, new) = (directory.path().join("node.json"), directory.path().join("new"));
    std::fs::write(&new, config.to_json().unwrap()).unwrap();
    std::fs::rename(new, &path).unwrap();
    path
}

fn succeeded(report: &Observations) -> u64 {
    report.load.unwrap().succeeded
}

#[tokio::test]
async fn users_of_a_model_that_works_are_served_and_lose_nothing() {
    let model = Model::default();
    let load = Load::start(config(&[&model.start().await])).await;
    let report = load.until("300 answers", |report| succeeded(report) >= 300).await;
    let seen = report.load.unwrap();
    assert_eq!((seen.failed, seen.lost_writes), (0, 0));
    assert!(seen.sent >= seen.succeeded);
    let edge = &report.edges[0];
    assert!(edge.traffic.requests >= 300 && edge.traffic.failures == 0);
    let metrics = load.text("/metrics").await.unwrap();
    for start in [
        r#"maquette_load_requests_total{operation="read",outcome="ok"} "#,
        r#"maquette_load_requests_total{operation="write",outcome="ok"} "#,
        r#"maquette_load_requests_total{operation="summary",outcome="ok"} "#,
        r#"maquette_load_latency_seconds_count{operation="read"} "#,
        "maquette_load_lost_writes_total 0",
        "maquette_load_remembered_items 20",
    ] {
        assert!(metrics.lines().any(|line| line.starts_with(start)), "{start} not in {metrics}");
    }
    load.stop().await;
}

#[tokio::test]
async fn the_rate_is_as_configured() {
    let model = Model::default();
    let load = Load::start(config(&[&model.start().await])).await;
    let first = load.until("a first answer", |report| succeeded(report) >= 1).await;
    let begun = Instant::now();
    let last = load.until("more", |report| succeeded(report) >= 400).await;
    let rate = (succeeded(&last) - succeeded(&first)) as f64 / begun.elapsed().as_secs_f64();
    assert!((150.0..250.0).contains(&rate), "{rate} requests in each second");
    load.stop().await;
}

#[tokio::test]
async fn a_write_that_is_gone_is_counted_once() {
    let model = Model::default();
    let one_item = LoadConfig { items: 1, ..config(&[&model.start().await]) };
    let load = Load::start(one_item.clone()).await;
    load.until("a write", |report| succeeded(report) >= 50).await;
    // Only reads from now on, so that no new write hides the loss.
    let never = Percent::try_from(0).unwrap();
    let reads = LoadConfig { write_percent: never, summary_percent: never, ..one_item };
    load.configure(reads).await;
    model.set(|play| play.items.clear());
    let lost = load.until("a loss", |report| report.load.unwrap().failed >= 1).await;
    let more = lost.load.unwrap().failed + 50;
    let later = load.until("more reads", |report| report.load.unwrap().failed >= more).await;
    assert_eq!(later.load.unwrap().lost_writes, 1);
    load.stop().await;
}

#[tokio::test]
async fn a_model_that_forgets_what_it_acknowledges_is_found_out() {
    let model = Model::default();
    model.set(|play| play.forgets = true);
    let load = Load::start(config(&[&model.start().await])).await;
    load.until("losses", |report| report.load.unwrap().lost_writes >= 10).await;
    load.stop().await;
}

#[tokio::test]
async fn an_older_version_than_acknowledged_is_a_lost_write() {
    let model = Model::default();
    let load = Load::start(config(&[&model.start().await])).await;
    load.until("writes of all items", |report| succeeded(report) >= 200).await;
    // Every answer is older from now on, as from a copy that has been left behind.
    model.set(|play| {
        play.clock = 0;
        play.items.values_mut().for_each(|version| version.millis = 0);
    });
    load.until("losses", |report| report.load.unwrap().lost_writes >= 5).await;
    load.stop().await;
}

#[tokio::test]
async fn failures_are_counted_as_such_and_no_loss() {
    let model = Model::default();
    let load = Load::start(config(&[&model.start().await])).await;
    load.until("answers", |report| succeeded(report) >= 50).await;
    model.set(|play| play.fails = true);
    let report = load.until("failures", |report| report.load.unwrap().failed >= 50).await;
    assert_eq!(report.load.unwrap().lost_writes, 0);
    assert!(report.edges[0].traffic.failures > 0);
    let metrics = load.text("/metrics").await.unwrap();
    assert!(metrics.contains(r#"{operation="read",outcome="error"}"#), "{metrics}");
    load.stop().await;
}

#[tokio::test]
async fn a_target_that_is_not_there_is_a_failure_at_once() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let load = Load::start(config(&[&Address(nobody.to_string())])).await;
    load.until("failures", |report| report.load.unwrap().failed >= 50).await;
    let metrics = load.text("/metrics").await.unwrap();
    assert!(metrics.contains(r#"outcome="unreachable""#), "{metrics}");
    load.stop().await;
}

/// A loop that waits for each answer would send one request into the stall and show one slow
/// answer among hundreds: its p99 would be that of a model that works.
#[tokio::test]
async fn a_stall_shows_in_the_quantiles_as_users_felt_it() {
    let model = Model::default();
    let load = Load::start(config(&[&model.start().await])).await;
    load.until("answers", |report| succeeded(report) >= 100).await;
    let stall = Duration::from_secs(2);
    model.set(|play| play.stalled_until = Some(Instant::now() + stall));
    sleep(stall).await;
    let enough = |report: &Observations| report.load.unwrap().succeeded >= 700;
    let report = load.until("the users of the stall", enough).await;
    let traffic = report.edges[0].traffic;
    // 400 of these 700 requests should have begun in the stall: one in seven waited 1 s or longer.
    assert!(traffic.p99_micros > 1_500_000, "{traffic:?}");
    assert_eq!(report.load.unwrap().failed, 0);
    load.stop().await;
}

#[tokio::test]
async fn users_who_get_no_answer_in_time_count_as_failed_however_many_wait() {
    let model = Model::default();
    model.set(|play| play.stalled_until = Some(Instant::now() + Duration::from_secs(60)));
    let many = LoadConfig { requests_per_second: 1000, ..config(&[&model.start().await]) };
    let load = Load::start(many).await;
    let failed = |report: &Observations| report.load.unwrap().failed >= 1500;
    let report = load.until("failures", failed).await;
    let metrics = load.text("/metrics").await.unwrap();
    // Whether a user's time ends before the turn or just after it is a matter of milliseconds.
    assert!(metrics.contains(r#"outcome="late""#), "{metrics}");
    let waiting = metrics.lines().find_map(|line| line.strip_prefix("maquette_load_waiting "));
    assert!(waiting.unwrap().parse::<u64>().unwrap() <= 5100, "{metrics}");
    assert_eq!(report.load.unwrap().succeeded, 0);
    load.shutdown.begin();
}

#[tokio::test]
async fn a_new_configuration_keeps_the_memory_and_takes_the_new_targets() {
    let (old, new) = (Model::default(), Model::default());
    let (old_address, new_address) = (old.start().await, new.start().await);
    let load = Load::start(config(&[&old_address])).await;
    load.until("answers", |report| succeeded(report) >= 200).await;
    // The new model has everything that the old one has: nothing is lost by the move.
    let never = Percent::try_from(0).unwrap();
    let reads = LoadConfig { write_percent: never, ..config(&[&old_address]) };
    load.configure(reads.clone()).await;
    let items = lock(&old.0).items.clone();
    new.set(|play| play.items = items);
    let targets = config(&[&new_address]).targets;
    let moved = LoadConfig { targets, requests_per_second: 500, ..reads };
    let report = load.configure(moved).await;
    assert_eq!(report.load.unwrap().lost_writes, 0);
    // And that nothing is forgotten shows when the new one loses it all.
    new.set(|play| play.items.clear());
    load.until("all losses", |report| report.load.unwrap().lost_writes == 20).await;
    load.stop().await;
}
