//! A fake model that stalls, fails and loses writes as its state says.

use crate::runtime::lock;
use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::get,
};
use maquette_contract::{
    Address, Answer, ItemKey, Outcome, ResponseTree, Role, Summary, Version,
    keys::HEADER_WAITING_READ,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use tokio::{
    net::TcpListener,
    time::{Instant, sleep_until},
};

/// The items and the faults of the fake model.
#[derive(Default)]
pub(super) struct FakeState {
    pub(super) items: BTreeMap<String, Version>,
    pub(super) clock: u64,
    /// No request is answered before this time.
    pub(super) stalled_until: Option<Instant>,
    /// Every request is answered with 503.
    pub(super) fails: bool,
    /// Writes are acknowledged and not stored.
    pub(super) forgets: bool,
    /// All reads, and those that are marked as the load's waiting reads.
    pub(super) reads: u64,
    pub(super) waiting_reads: u64,
}

#[derive(Clone, Default)]
pub(super) struct FakeModel(Arc<Mutex<FakeState>>);

impl FakeModel {
    pub(super) async fn start(&self) -> Address {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = Address(listener.local_addr().unwrap().to_string());
        self.listen(listener);
        address
    }

    /// Answers requests on this listener.
    pub(super) fn listen(&self, listener: TcpListener) {
        let router = Router::new()
            .route("/ping", get(async || StatusCode::NO_CONTENT))
            .route("/items/{collection}/{id}", get(read).put(write))
            .route("/summary", get(summary))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    }

    pub(super) fn change_state(&self, change: impl FnOnce(&mut FakeState)) {
        change(&mut lock(&self.0));
    }

    pub(super) fn items(&self) -> BTreeMap<String, Version> {
        lock(&self.0).items.clone()
    }

    /// Waits until the end of a stall; true if the answer is a failure.
    async fn should_fail(&self) -> bool {
        let (stalled_until, fails) = {
            let state = lock(&self.0);
            (state.stalled_until, state.fails)
        };
        if let Some(until) = stalled_until {
            sleep_until(until).await;
        }
        fails
    }
}

async fn read(
    State(model): State<FakeModel>,
    Path((collection, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    model.change_state(|state| {
        state.reads += 1;
        state.waiting_reads += u64::from(headers.contains_key(HEADER_WAITING_READ));
    });
    if model.should_fail().await {
        return failure(StatusCode::SERVICE_UNAVAILABLE);
    }
    let key = format!("{collection}/{id}");
    match lock(&model.0).items.get(&key) {
        Some(version) => item(&key, version.clone()),
        None => failure(StatusCode::NOT_FOUND),
    }
}

async fn write(
    State(model): State<FakeModel>,
    Path((collection, id)): Path<(String, String)>,
) -> Response {
    if model.should_fail().await {
        return failure(StatusCode::SERVICE_UNAVAILABLE);
    }
    let key = format!("{collection}/{id}");
    let mut state = lock(&model.0);
    state.clock += 1;
    let version = Version { millis: state.clock, counter: 0, writer: "w".to_owned() };
    if !state.forgets {
        state.items.insert(key.clone(), version.clone());
    }
    item(&key, version)
}

async fn summary(State(model): State<FakeModel>) -> Response {
    if model.should_fail().await {
        return failure(StatusCode::SERVICE_UNAVAILABLE);
    }
    answer(StatusCode::OK, Outcome::Summary(Summary::default()))
}

fn item(key: &str, version: Version) -> Response {
    let ItemKey { collection, id } = ItemKey::parse(key).unwrap();
    answer(StatusCode::OK, Outcome::Item { collection, id, version, value: "1".parse().unwrap() })
}

fn failure(status: StatusCode) -> Response {
    answer(status, Outcome::Error("as configured".to_owned()))
}

fn answer(status: StatusCode, outcome: Outcome) -> Response {
    let trace = ResponseTree {
        component: "client".parse().unwrap(),
        role: Role::Service,
        pod: "client-0".to_owned(),
        micros: 1,
        queries: vec![],
        calls: vec![],
        error: None,
    };
    (status, Json(Answer { outcome, trace, padding: String::new() })).into_response()
}
