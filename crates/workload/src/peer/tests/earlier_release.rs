//! Peers of this version and of the one before serve together while pods are replaced one by one.
//! The peers of the version before are stubs that speak exactly what that version did: they refuse
//! what it could not read.

use super::test_cluster::{DEADLINE, TestCluster, key, wait_until};
use crate::{
    backend::ItemWrite,
    peer::{handle::PeerHandle, membership::Layout},
    runtime::{lock, wall_millis},
    storage::{Position, Storage},
};
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use bytes::Bytes;
use chitchat::{
    ChitchatConfig, ChitchatHandle, ChitchatId, FailureDetectorConfig, ProtocolVersion,
    spawn_chitchat, transport::UdpTransport,
};
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use maquette_contract::{Content, RequestId, Version};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{net::TcpListener, task::JoinSet, time::Instant, time::sleep};

const OVERLAY: &str = "shop/peers";
const PEERS: usize = 3;

/// Some names changed during the version before.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Names {
    First,
    Later,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct StubRecord {
    version: Version,
    value: Value,
}

#[derive(Deserialize)]
struct StubCopy {
    key: String,
    record: StubRecord,
}

#[derive(Deserialize)]
struct StubWrite {
    copies: Vec<StubCopy>,
}

#[derive(Deserialize)]
struct StubRead {
    key: String,
    version_only: bool,
}

#[derive(Deserialize)]
struct StubMark {
    key: String,
    version: Version,
}

#[derive(Deserialize)]
struct StubDigest {
    items: Vec<StubMark>,
}

#[derive(Deserialize)]
struct StubPage {
    after: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum FirstStep {
    Blank,
    Away,
    Copying,
    Prepared,
    Settled,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum LaterStep {
    Joining,
    Removed,
    Copying,
    Prepared,
    Settled,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "a report without one of them cannot be read")]
struct FirstReport {
    stamp: u64,
    target: u64,
    step: FirstStep,
    checked: BTreeMap<String, u64>,
    stopping: bool,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "a report without one of them cannot be read")]
struct LaterReport {
    incarnation: u64,
    target: u64,
    step: LaterStep,
    checked: BTreeMap<String, u64>,
    stopping: bool,
}

impl Names {
    fn start_in(self, report: &str) -> Option<u64> {
        match self {
            Self::First => serde_json::from_str(report).ok().map(|it: FirstReport| it.stamp),
            Self::Later => serde_json::from_str(report).ok().map(|it: LaterReport| it.incarnation),
        }
    }

    fn votes(self, reply: &Value) -> bool {
        match self {
            Self::First => reply["votes"].as_bool(),
            Self::Later => reply["counts_for_quorum"].as_bool(),
        }
        .expect("a reply says whether it counts")
    }

    fn vote_name(self) -> &'static str {
        if self == Self::First { "votes" } else { "counts_for_quorum" }
    }

    fn transition_path(self) -> &'static str {
        if self == Self::First { "/v1/standing" } else { "/v1/transition" }
    }
}

type Items = Arc<Mutex<BTreeMap<String, StubRecord>>>;

/// What a stub knows.
#[derive(Clone)]
struct Stub {
    names: Names,
    ordinal: usize,
    addresses: Arc<Vec<String>>,
    layout: Layout,
    items: Items,
}

struct RunningStub {
    stub: Stub,
    gossip: Arc<ChitchatHandle>,
    _tasks: JoinSet<()>,
}

impl Drop for RunningStub {
    fn drop(&mut self) {
        self.gossip.abort();
    }
}

fn name(ordinal: usize) -> String {
    format!("shop-peers-{ordinal}")
}

impl Stub {
    async fn post<T: DeserializeOwned>(&self, to: usize, path: &str, body: Value) -> Option<T> {
        let request = axum::http::Request::post(format!("http://{}{path}", self.addresses[to]))
            .header("content-type", "application/json")
            .header("maquette-peer", format!("{OVERLAY}/{}", name(to)))
            .body(Full::new(Bytes::from(body.to_string())))
            .unwrap();
        let pool: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
        let response = pool.request(request).await.ok()?;
        if !response.status().is_success() {
            return None;
        }
        serde_json::from_slice(&response.into_body().collect().await.ok()?.to_bytes()).ok()
    }

    /// The newest record at a majority, and the peers that have it.
    async fn read_newest(&self, item: &str) -> Result<(Option<StubRecord>, usize), String> {
        let (mut newest, mut holders, mut voters) = (None::<StubRecord>, 0, 0);
        for peer in 0..PEERS {
            let read = json!({"key": item, "version_only": false});
            let Some(reply) = self.post::<Value>(peer, "/v1/read", read).await else { continue };
            voters += usize::from(self.names.votes(&reply));
            let Ok(version) = serde_json::from_value(reply["version"].clone()) else { continue };
            match &newest {
                Some(known) if known.version > version => {}
                Some(known) if known.version == version => holders += 1,
                _ => {
                    (newest, holders) =
                        (Some(StubRecord { version, value: reply["value"].clone() }), 1);
                }
            }
        }
        if voters > PEERS / 2 { Ok((newest, holders)) } else { Err(format!("{voters} voters")) }
    }

    async fn store(&self, item: &str, record: &StubRecord) -> Result<(), String> {
        let mut holders = 0;
        for peer in 0..PEERS {
            let write = json!({"copies": [{"key": item, "record": record}]});
            let stored: Option<Vec<Version>> = self.post(peer, "/v1/write", write).await;
            holders += usize::from(stored.is_some());
        }
        if holders > PEERS / 2 { Ok(()) } else { Err(format!("{holders} holders")) }
    }

    async fn get(&self, item: &str) -> Value {
        let found = Mutex::new(Value::Null);
        wait_until("a stub reads", || async {
            let (record, holders) = self.read_newest(item).await?;
            let record = record.ok_or("no item")?;
            if holders <= PEERS / 2 {
                self.store(item, &record).await?;
            }
            *lock(&found) = record.value;
            Ok::<_, String>(())
        })
        .await;
        found.into_inner().unwrap()
    }

    async fn put(&self, item: &str, value: Value) {
        wait_until("a stub writes", || async {
            let (before, _) = self.read_newest(item).await?;
            let seen = before.as_ref().map(|record| &record.version);
            let version = Version::after(seen, wall_millis(), &name(self.ordinal));
            self.store(item, &StubRecord { version, value: value.clone() }).await
        })
        .await;
    }

    /// Sends a peer what it lacks. Returns whether it has all copies then.
    async fn sweep(&self, to: usize) -> bool {
        let items: Vec<(String, StubRecord)> = lock(&self.items).clone().into_iter().collect();
        let marks = items.iter().map(|(key, it)| json!({"key": key, "version": it.version}));
        let digest = json!({"items": marks.collect::<Vec<_>>()});
        let missing: Option<Vec<bool>> = self.post(to, "/v1/digest", digest).await;
        let Some(missing) = missing else { return false };
        let lacking = items.iter().zip(missing).filter(|(_, is_missing)| *is_missing);
        let copies: Vec<Value> =
            lacking.map(|((key, record), _)| json!({"key": key, "record": record})).collect();
        let stored = self.post::<Vec<Version>>(to, "/v1/write", json!({"copies": copies})).await;
        stored.is_some()
    }

    /// Sweeps again and again and reports it, and finds the others.
    async fn gossip(self, handle: Arc<ChitchatHandle>, generation: u64) {
        loop {
            for address in self.addresses.iter() {
                let _ = handle.gossip(address.parse().unwrap());
            }
            let starts = handle
                .with_chitchat(|chitchat| {
                    let states = chitchat.node_states().iter().filter_map(|(id, state)| {
                        let start = self.names.start_in(state.get("report")?)?;
                        Some((id.node_id.to_string(), start))
                    });
                    states.collect::<BTreeMap<String, u64>>()
                })
                .await;
            let mut checked = BTreeMap::new();
            for to in (0..PEERS).filter(|to| *to != self.ordinal) {
                if let Some(start) = starts.get(&name(to))
                    && self.sweep(to).await
                {
                    checked.insert(name(to), *start);
                }
            }
            let target = self.layout.id();
            let start_name = if self.names == Names::First { "stamp" } else { "incarnation" };
            let report = json!({
                start_name: generation, "target": target, "step": "settled", "checked": checked,
                "stopping": false,
            });
            handle
                .with_chitchat(|chitchat| {
                    chitchat.self_node_state().set("report", report.to_string());
                })
                .await;
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn start(self) -> RunningStub {
        let address: SocketAddr = self.addresses[self.ordinal].parse().unwrap();
        let generation = wall_millis();
        let config = ChitchatConfig {
            chitchat_id: ChitchatId::new(name(self.ordinal), generation, address),
            cluster_id: OVERLAY.to_owned(),
            gossip_interval: Duration::from_millis(50),
            listen_addr: address,
            seed_nodes: vec![],
            failure_detector_config: FailureDetectorConfig::default(),
            marked_for_deletion_grace_period: Duration::from_secs(3600),
            catchup_callback: None,
            extra_liveness_predicate: None,
            protocol_version: ProtocolVersion::V0,
        };
        let gossip = Arc::new(spawn_chitchat(config, vec![], &UdpTransport).await.unwrap());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, address.port())).await.unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(self.clone().gossip(Arc::clone(&gossip), generation));
        let routes = Router::new()
            .route("/v1/read", post(serve_read))
            .route("/v1/write", post(serve_write))
            .route("/v1/digest", post(serve_digest))
            .route("/v1/page", post(serve_page))
            .route(self.names.transition_path(), post(serve_transition))
            .with_state(self.clone());
        tasks.spawn(async move { axum::serve(listener, routes).await.unwrap() });
        RunningStub { stub: self, gossip, _tasks: tasks }
    }

    fn is_misdirected(&self, headers: &HeaderMap) -> bool {
        let own = format!("{OVERLAY}/{}", name(self.ordinal));
        headers.get("maquette-peer").is_none_or(|named| named.as_bytes() != own.as_bytes())
    }

    /// The volume as that version left it.
    async fn save_volume(&self, folder: &Path) {
        let state = json!({"generation": 7, "standing": {"base": [self.layout], "next": null}});
        std::fs::write(folder.join("peer.json"), state.to_string()).unwrap();
        let items = lock(&self.items).clone();
        let storage = Storage::open(folder).unwrap();
        for (key, record) in items {
            let record = serde_json::to_vec(&record).unwrap();
            storage.put(key.as_bytes(), record.into()).await.unwrap();
        }
    }
}

async fn serve_read(
    State(stub): State<Stub>,
    headers: HeaderMap,
    Json(StubRead { key, version_only }): Json<StubRead>,
) -> Response {
    if stub.is_misdirected(&headers) {
        return StatusCode::MISDIRECTED_REQUEST.into_response();
    }
    let found = lock(&stub.items).get(&key).cloned();
    let value = found.as_ref().filter(|_| !version_only).map(|record| &record.value);
    let version = found.as_ref().map(|record| &record.version);
    Json(json!({stub.names.vote_name(): true, "version": version, "value": value})).into_response()
}

async fn serve_write(
    State(stub): State<Stub>,
    headers: HeaderMap,
    Json(StubWrite { copies }): Json<StubWrite>,
) -> Response {
    if stub.is_misdirected(&headers) {
        return StatusCode::MISDIRECTED_REQUEST.into_response();
    }
    let mut items = lock(&stub.items);
    let versions = copies.into_iter().map(|StubCopy { key, record }| {
        let kept = items.entry(key).or_insert_with(|| record.clone());
        if kept.version < record.version {
            *kept = record;
        }
        kept.version.clone()
    });
    Json(versions.collect::<Vec<Version>>()).into_response()
}

async fn serve_digest(
    State(stub): State<Stub>,
    Json(StubDigest { items }): Json<StubDigest>,
) -> Json<Vec<bool>> {
    let stored = lock(&stub.items);
    let is_missing =
        |mark: StubMark| stored.get(&mark.key).is_none_or(|it| it.version < mark.version);
    Json(items.into_iter().map(is_missing).collect())
}

async fn serve_page(
    State(stub): State<Stub>,
    Json(StubPage { after }): Json<StubPage>,
) -> Json<Value> {
    let place = |key: &String| (Position::of_key(key.as_bytes()), key.clone());
    let mut items: Vec<(String, StubRecord)> = lock(&stub.items).clone().into_iter().collect();
    items.sort_by_key(|(key, _)| place(key));
    items.retain(|(key, _)| after.as_ref().is_none_or(|after| place(key) > place(after)));
    let entries = items.iter().map(|(key, record)| {
        let bytes = record.value.to_string().len();
        json!({"key": key, "version": record.version, "bytes": bytes})
    });
    let entries: Vec<Value> = entries.collect();
    Json(json!({stub.names.vote_name(): true, "items": entries}))
}

async fn serve_transition(State(stub): State<Stub>, Json(_): Json<Value>) -> Json<Value> {
    Json(json!({"base": [stub.layout], "next": null}))
}

async fn write_content(
    peer: &Arc<PeerHandle>,
    item: usize,
    content: Content,
) -> Result<(), String> {
    let key = key(item);
    let request = RequestId::new(rand::random());
    let write = ItemWrite { content, precondition: None, request };
    let item = peer.coordinator.item(&key, Instant::now() + DEADLINE, &|_| {});
    item.write(&write).await.map(drop).map_err(|error| error.to_string())
}

async fn wait_until_joined(cluster: &TestCluster) {
    wait_until("the peers of this version have joined those of the one before", || async {
        for (_, peer) in cluster.running_peers() {
            let blockers = (peer.join_blocker(), peer.replication_blocker(), peer.observation());
            let observed = &blockers.2;
            let is_joined = blockers.0.is_none() && blockers.1.is_none();
            if !is_joined || observed.under_replicated > 0 || observed.members.len() < PEERS {
                return Err(blockers);
            }
        }
        Ok(())
    })
    .await;
}

/// Every peer reads every item, and writes some.
async fn use_all(
    cluster: &TestCluster,
    stubs: &BTreeMap<usize, RunningStub>,
    expected: &mut BTreeMap<usize, u64>,
) {
    for running in stubs.values() {
        for (item, value) in &*expected {
            assert_eq!(running.stub.get(&key(*item).to_string()).await, json!(value));
        }
    }
    for (via, peer) in cluster.running_peers() {
        for (item, value) in &*expected {
            let found = cluster.get(via, *item).await.expect("it was written");
            assert_eq!(found.value().unwrap().as_str(), value.to_string());
        }
        let summary = cluster.summary(via).await;
        assert_eq!(summary.collections[&key(0).collection].items, expected.len() as u64);
        let (item, value) = (100 + expected.len(), rand::random_range(0..1000_u64));
        cluster.put(via, item, value).await;
        cluster.put(via, 1, value).await;
        expected.extend([(item, value), (1, value)]);
        let blocker = peer.replication_blocker();
        assert_eq!(blocker, None);
    }
    for running in stubs.values() {
        let (item, value) = (100 + expected.len(), rand::random_range(0..1000_u64));
        running.stub.put(&key(item).to_string(), json!(value)).await;
        running.stub.put(&key(2).to_string(), json!(value)).await;
        expected.extend([(item, value), (2, value)]);
    }
}

async fn upgrade_one_by_one(names: Names) {
    let mut cluster = TestCluster::new(PEERS, PEERS, 3);
    let addresses = Arc::new(cluster.addresses());
    let layout = Layout::new((0..PEERS).map(name), 3).unwrap();
    let mut stubs = BTreeMap::new();
    for ordinal in 0..PEERS {
        let (addresses, layout) = (Arc::clone(&addresses), layout.clone());
        let stub = Stub { names, ordinal, addresses, layout, items: Items::default() };
        stubs.insert(ordinal, stub.start().await);
    }
    let mut expected = BTreeMap::new();
    for item in 0..10 {
        stubs[&(item % PEERS)].stub.put(&key(item).to_string(), json!(item)).await;
        expected.insert(item, item as u64);
    }
    for ordinal in (0..PEERS).rev() {
        let stopped = stubs.remove(&ordinal).unwrap();
        stopped.stub.save_volume(&cluster.data_folder(ordinal)).await;
        drop(stopped);
        cluster.start(ordinal).await;
        wait_until_joined(&cluster).await;
        use_all(&cluster, &stubs, &mut expected).await;
        let peer = cluster.peer(ordinal);
        if stubs.is_empty() {
            break;
        }
        for content in [Content::Deleted, Content::Value("1e999".parse().unwrap())] {
            let refused = write_content(&peer, 0, content).await.unwrap_err();
            assert!(refused.contains("peers of an earlier version are up"), "{refused}");
        }
        // An empty volume is filled by peers of both versions.
        cluster.kill_and_wipe(ordinal);
        cluster.start(ordinal).await;
        wait_until_joined(&cluster).await;
        use_all(&cluster, &stubs, &mut expected).await;
    }
    let peer = cluster.peer(1);
    wait_until("a deletion is possible once all peers are of this version", || {
        write_content(&peer, 0, Content::Deleted)
    })
    .await;
    assert!(cluster.get(0, 0).await.unwrap().value().is_none());
    let own = ("maquette-peer", "shop/peers/shop-peers-0");
    let read = r#"{"key":"orders/1","version_only":true}"#;
    let (status, _) = cluster.post_to_peer(0, "/v1/read", &[own], read).await;
    assert_eq!(status, StatusCode::GONE, "unfenced requests end with the upgrade");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peers_with_the_first_names_are_upgraded_one_by_one() {
    upgrade_one_by_one(Names::First).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peers_with_the_later_names_are_upgraded_one_by_one() {
    upgrade_one_by_one(Names::Later).await;
}
