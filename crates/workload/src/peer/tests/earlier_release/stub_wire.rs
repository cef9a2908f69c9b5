//! The requests and reports of the version before, and how it replied.

use super::stub::Stub;
use crate::{runtime::lock, storage::Position};
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use maquette_contract::Version;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Some names changed during the version before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Names {
    First,
    Later,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct StubRecord {
    pub(super) version: Version,
    pub(super) value: Value,
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
    pub(super) fn start_in(self, report: &str) -> Option<u64> {
        match self {
            Self::First => serde_json::from_str(report).ok().map(|it: FirstReport| it.stamp),
            Self::Later => serde_json::from_str(report).ok().map(|it: LaterReport| it.incarnation),
        }
    }

    pub(super) fn votes(self, reply: &Value) -> bool {
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

pub(super) fn routes(stub: Stub) -> Router {
    Router::new()
        .route("/v1/read", post(serve_read))
        .route("/v1/write", post(serve_write))
        .route("/v1/digest", post(serve_digest))
        .route("/v1/page", post(serve_page))
        .route(stub.names.transition_path(), post(serve_transition))
        .with_state(stub)
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
