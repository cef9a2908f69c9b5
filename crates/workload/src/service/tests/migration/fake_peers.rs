//! Fake peers with the internal items API.

use super::*;
use axum::{
    extract::{Path, Query, State},
    routing::get,
};
use maquette_contract::{
    Content, ItemKey, Record,
    internal_api::{ITEMS, InternalItem, InternalPage, SUMMARY},
};
use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

/// Items per page.
const PAGE: usize = 2;
/// Cursors are opaque to clients. This suffix must be escaped in a URL.
const CURSOR_SUFFIX: &str = "&?=%# é";

/// The peers.
pub(super) struct FakePeers {
    pub(super) address: Address,
    state: Shared,
}

#[derive(Default)]
struct Peers {
    items: Mutex<BTreeMap<String, Record>>,
    /// The number of next requests to refuse.
    refuse: AtomicU32,
}

type Shared = Arc<Peers>;

impl FakePeers {
    pub(super) async fn start() -> Self {
        let (listener, address) = listen().await;
        let state = Shared::default();
        let router = Router::new()
            .route("/ping", get(async || StatusCode::NO_CONTENT))
            .route(&format!("{ITEMS}/{{collection}}/{{id}}"), get(read).put(write))
            .route(ITEMS, get(list))
            .route(SUMMARY, get(summary))
            .with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, state }
    }

    /// A write by a user of the peers.
    pub(super) fn write(&self, key: &str, millis: u64, value: &str) {
        let version = Version { millis, counter: 0, writer: "peer".into() };
        let value = serde_json::to_string(value).unwrap().parse().unwrap();
        let record = Record::new(version, Content::Value(value));
        self.state.items.lock().unwrap().insert(key.to_owned(), record);
    }

    pub(super) fn item(&self, key: &str) -> Option<Record> {
        self.state.items.lock().unwrap().get(key).cloned()
    }

    /// Refuses the next requests with 503.
    pub(super) fn refuse(&self, requests: u32) {
        self.state.refuse.store(requests, Ordering::SeqCst);
    }
}

fn refused(peers: &Peers) -> Option<Response> {
    peers
        .refuse
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left: u32| left.checked_sub(1))
        .ok()?;
    Some((StatusCode::SERVICE_UNAVAILABLE, "too few peers").into_response())
}

async fn read(State(peers): State<Shared>, Path(key): Path<(String, String)>) -> Response {
    if let Some(refused) = refused(&peers) {
        return refused;
    }
    match peers.items.lock().unwrap().get(&format!("{}/{}", key.0, key.1)) {
        Some(record) => Json(record).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn write(
    State(peers): State<Shared>,
    Path(key): Path<(String, String)>,
    Json(record): Json<Record>,
) -> Response {
    if let Some(refused) = refused(&peers) {
        return refused;
    }
    let mut items = peers.items.lock().unwrap();
    let item = items.entry(format!("{}/{}", key.0, key.1)).or_insert_with(|| record.clone());
    if item.version < record.version {
        *item = record;
    }
    StatusCode::NO_CONTENT.into_response()
}

async fn list(
    State(peers): State<Shared>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    if let Some(refused) = refused(&peers) {
        return refused;
    }
    let after = match query.get("after") {
        Some(after) => Bound::Excluded(after.strip_suffix(CURSOR_SUFFIX).unwrap().to_owned()),
        None => Bound::Unbounded,
    };
    let items = peers.items.lock().unwrap();
    let rest = items.range((after, Bound::Unbounded));
    let page: Vec<_> = rest
        .take(PAGE)
        .map(|(key, record)| InternalItem {
            deleted: record.value().is_none(),
            key: ItemKey::parse(key).unwrap(),
            version: Some(record.version.clone()),
            damaged: false,
        })
        .collect();
    let next = page.last().filter(|_| page.len() == PAGE);
    let next = next.map(|item| format!("{}{CURSOR_SUFFIX}", item.key));
    Json(InternalPage { items: page, next }).into_response()
}

async fn summary(State(peers): State<Shared>) -> Response {
    if let Some(refused) = refused(&peers) {
        return refused;
    }
    let mut summary = Summary::default();
    for key in peers.items.lock().unwrap().keys() {
        let collection = ItemKey::parse(key).unwrap().collection;
        summary.collections.entry(collection).or_default().items += 1;
    }
    Json(summary).into_response()
}
