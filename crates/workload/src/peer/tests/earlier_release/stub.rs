//! A peer of the version before: it coordinates requests, sweeps and gossips.

use super::{
    super::test_cluster::wait_until,
    stub_wire::{self, Names, StubRecord},
};
use crate::{
    peer::membership::Layout,
    runtime::{lock, wall_millis},
    storage::Storage,
};
use axum::http::HeaderMap;
use bytes::Bytes;
use chitchat::{
    ChitchatConfig, ChitchatHandle, ChitchatId, FailureDetectorConfig, ProtocolVersion,
    spawn_chitchat, transport::UdpTransport,
};
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use maquette_contract::Version;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{net::TcpListener, task::JoinSet, time::sleep};

const OVERLAY: &str = "shop/peers";
pub(super) const PEERS: usize = 3;

pub(super) type Items = Arc<Mutex<BTreeMap<String, StubRecord>>>;

/// What a stub knows.
#[derive(Clone)]
pub(super) struct Stub {
    pub(super) names: Names,
    pub(super) ordinal: usize,
    pub(super) addresses: Arc<Vec<String>>,
    pub(super) layout: Layout,
    pub(super) items: Items,
}

pub(super) struct RunningStub {
    pub(super) stub: Stub,
    gossip: Arc<ChitchatHandle>,
    _tasks: JoinSet<()>,
}

impl Drop for RunningStub {
    fn drop(&mut self) {
        self.gossip.abort();
    }
}

pub(super) fn name(ordinal: usize) -> String {
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

    pub(super) async fn get(&self, item: &str) -> Value {
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

    pub(super) async fn put(&self, item: &str, value: Value) {
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

    pub(super) async fn start(self) -> RunningStub {
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
        let routes = stub_wire::routes(self.clone());
        tasks.spawn(async move { axum::serve(listener, routes).await.unwrap() });
        RunningStub { stub: self, gossip, _tasks: tasks }
    }

    pub(super) fn is_misdirected(&self, headers: &HeaderMap) -> bool {
        let own = format!("{OVERLAY}/{}", name(self.ordinal));
        headers.get("maquette-peer").is_none_or(|named| named.as_bytes() != own.as_bytes())
    }

    /// The volume as that version left it.
    pub(super) async fn save_volume(&self, folder: &Path) {
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
