//! A fake model that stalls, fails and lies as its state says.

use crate::runtime::lock;
use axum::{
    Json, Router,
    body::Bytes,
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
    pub(super) items: BTreeMap<String, FakeItem>,
    pub(super) clock: u64,
    /// How it lies from now on.
    pub(super) lie: Option<Lie>,
    /// No request is answered before this time.
    pub(super) stalled_until: Option<Instant>,
    /// Every request is answered with 503.
    pub(super) fails: bool,
    /// All reads, and those that are marked as the load's waiting reads.
    pub(super) reads: u64,
    pub(super) waiting_reads: u64,
}

/// An item with its history.
#[derive(Clone, Default)]
pub(super) struct FakeItem {
    /// The versions and values, the newest last; never empty. A deletion has an empty value.
    pub(super) writes: Vec<(Version, String)>,
    /// How often it was read.
    reads: usize,
}

/// A lie about items. Each keeps the form of an honest answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lie {
    /// Writes are acknowledged and not stored.
    StoresNothing,
    /// Only the first write of each item is stored.
    StoresTheFirstWrite,
    /// Every value is the number 1.
    WrongValue,
    /// The value of another item under the right version.
    ValueOfAnotherItem,
    /// The value of another item, as a later version.
    NewerValueOfAnotherItem,
    /// A value is cut, but still JSON.
    TruncatedValue,
    /// A number in a value differs.
    AnotherNumber,
    /// Another client's value under the version of the acknowledged write.
    ValueOfAnotherClient,
    /// The version before the last one, with its value.
    OlderVersion,
    /// The last value and the one before it in turns, each with its version.
    Alternates,
    /// The value before the last one, as a later version.
    OldValueAsNewVersion,
    /// A write has a version below the last one.
    WriteGoesBack,
    /// A write has the version of the last one.
    WriteKeepsVersion,
    /// A write is acknowledged with another value.
    WriteHasAnotherValue,
}

impl Lie {
    pub(super) const ALL: [Self; 14] = [
        Self::StoresNothing,
        Self::StoresTheFirstWrite,
        Self::WrongValue,
        Self::ValueOfAnotherItem,
        Self::NewerValueOfAnotherItem,
        Self::TruncatedValue,
        Self::AnotherNumber,
        Self::ValueOfAnotherClient,
        Self::OlderVersion,
        Self::Alternates,
        Self::OldValueAsNewVersion,
        Self::WriteGoesBack,
        Self::WriteKeepsVersion,
        Self::WriteHasAnotherValue,
    ];
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

    pub(super) fn items(&self) -> BTreeMap<String, FakeItem> {
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
    match lock(&model.0).read(&key) {
        Some((version, value)) if value.is_empty() => {
            answer(StatusCode::NOT_FOUND, Outcome::WasDeleted { error: "deleted".into(), version })
        }
        Some((version, value)) => item(&key, version, &value),
        None => failure(StatusCode::NOT_FOUND),
    }
}

async fn write(
    State(model): State<FakeModel>,
    Path((collection, id)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    if model.should_fail().await {
        return failure(StatusCode::SERVICE_UNAVAILABLE);
    }
    let key = format!("{collection}/{id}");
    let (version, value) = lock(&model.0).write(&key, String::from_utf8(body.to_vec()).unwrap());
    item(&key, version, &value)
}

impl FakeState {
    /// What a read of the item finds.
    fn read(&mut self, key: &str) -> Option<(Version, String)> {
        let other = self.items.iter().find(|(other, _)| *other != key);
        let of_other = other.map(|(_, item)| item.writes[item.writes.len() - 1].1.clone());
        let later = version(self.clock + 1_000_000);
        let item = self.items.get_mut(key)?;
        item.reads += 1;
        let reads = item.reads;
        let (newest, value) = item.writes[item.writes.len() - 1].clone();
        let (older, old_value) = item.writes[item.writes.len().saturating_sub(2)].clone();
        Some(match self.lie {
            Some(Lie::WrongValue) => (newest, "1".to_owned()),
            Some(Lie::ValueOfAnotherItem) => (newest, of_other.unwrap_or(value)),
            Some(Lie::NewerValueOfAnotherItem) => (later, of_other.unwrap_or(value)),
            Some(Lie::TruncatedValue) => {
                let cut = value.find(",\"write\"").unwrap();
                (newest, format!("{}}}", &value[..cut]))
            }
            Some(Lie::AnotherNumber) => (newest, value.replace("\"write\":", "\"write\":1")),
            Some(Lie::ValueOfAnotherClient) => {
                (newest, r#"{"check":"0","run":"0","write":1}"#.to_owned())
            }
            Some(Lie::OlderVersion) => (older, old_value),
            Some(Lie::Alternates) if reads.is_multiple_of(2) => (older, old_value),
            Some(Lie::OldValueAsNewVersion) if older != newest => (later, old_value),
            _ => (newest, value),
        })
    }

    /// Stores a value; returns what is acknowledged.
    fn write(&mut self, key: &str, value: String) -> (Version, String) {
        self.clock += 1;
        let mut acknowledged = version(self.clock);
        let writes = &mut self.items.entry(key.to_owned()).or_default().writes;
        let last = writes.last().map(|(last, _)| last.clone());
        match self.lie {
            Some(Lie::WriteGoesBack) if last.is_some() => acknowledged = version(1),
            Some(Lie::WriteKeepsVersion) => acknowledged = last.unwrap_or(acknowledged),
            _ => {}
        }
        let is_first = writes.is_empty();
        match self.lie {
            Some(Lie::StoresNothing) if is_first => drop(self.items.remove(key)),
            Some(Lie::StoresNothing) => {}
            Some(Lie::StoresTheFirstWrite) if !is_first => {}
            _ => writes.push((acknowledged.clone(), value.clone())),
        }
        match self.lie {
            Some(Lie::WriteHasAnotherValue) => (acknowledged, "1".to_owned()),
            _ => (acknowledged, value),
        }
    }

    /// Deletes an item, if there is one, and returns its value.
    pub(super) fn delete_as_user(&mut self, key: &str) -> Option<String> {
        let (_, value) = self.items.get(key)?.writes.last()?.clone();
        self.write(key, String::new());
        Some(value).filter(|value| !value.is_empty())
    }

    /// Stores a value that a user has read before.
    pub(super) fn put_back(&mut self, key: &str, value: String) {
        self.write(key, value);
    }

    /// Stores a value of a client that is not the load.
    pub(super) fn write_as_user(&mut self, key: &str) {
        self.write(key, r#"{"title":"Ulysses"}"#.to_owned());
    }
}

fn version(millis: u64) -> Version {
    Version { millis, counter: 0, writer: "w".to_owned() }
}

async fn summary(State(model): State<FakeModel>) -> Response {
    if model.should_fail().await {
        return failure(StatusCode::SERVICE_UNAVAILABLE);
    }
    answer(StatusCode::OK, Outcome::Summary(Summary::default()))
}

fn item(key: &str, version: Version, value: &str) -> Response {
    let ItemKey { collection, id } = ItemKey::parse(key).unwrap();
    let value = value.parse().unwrap();
    answer(StatusCode::OK, Outcome::Item { collection, id, version, value })
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
