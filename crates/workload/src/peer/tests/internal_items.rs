//! The internal items API of the peers.

use super::{
    pods::{Pod, component, start_peers, user_target, version, without_requests},
    test_cluster::key,
};
use crate::{
    backend::{InternalApiClient, QueryContext},
    http::HttpError,
    runtime::{
        headers::{HOPS, MAX_HOPS, RequestContext},
        wall_millis,
    },
};
use axum::http::{Method, StatusCode};
use futures_util::future::join_all;
use maquette_contract::{Content, ItemKey, Record, Version, keys::HEADER_RECIPIENT};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::time::Instant;

/// More than one page.
const ITEMS: usize = 1050;

fn api_client(pod: &Pod) -> Arc<InternalApiClient> {
    InternalApiClient::new(user_target(&component("peers"), pod.internal()))
}

/// All items, page by page.
async fn list_all(pod: &Pod, within: Duration) -> Result<BTreeMap<ItemKey, Version>, HttpError> {
    let (client, mut after, mut all) = (api_client(pod), None, BTreeMap::new());
    loop {
        let context = RequestContext::new_root(Instant::now() + within);
        let page = client
            .list_page(&QueryContext { request: context, log: &|_| {} }, after.as_deref())
            .await?;
        for item in page.items {
            let twice = all.insert(item.key.clone(), item.version.unwrap());
            assert_eq!(twice, None, "{} is listed twice", item.key);
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(all),
        }
    }
}

async fn put(pod: &Pod, item: usize, record: &Record) -> StatusCode {
    let body = serde_json::to_string(record).unwrap();
    pod.send_internal(Method::PUT, &format!("/internal/items/orders/{item}"), &body).await.status
}

async fn get(pod: &Pod, item: usize) -> Record {
    let reply = pod.send_internal(Method::GET, &format!("/internal/items/orders/{item}"), "").await;
    let record = serde_json::from_slice(&reply.body);
    without_requests(record.unwrap_or_else(|error| panic!("{error}: {reply:?}")))
}

fn record(millis: u64, value: u64) -> Record {
    Record::new(version(millis), Content::Value(value.to_string().parse().unwrap()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stored_version_is_kept_and_later_writes_get_later_versions() {
    let pods = start_peers(3, |_| {}).await;
    let later = record(wall_millis() + Version::MAX_AHEAD_MILLIS / 2, 2);
    for stored in [record(5, 1), later.clone(), later.clone(), record(6, 1)] {
        assert_eq!(put(&pods[0], 1, &stored).await, StatusCode::NO_CONTENT);
    }
    for pod in &pods {
        assert_eq!(get(pod, 1).await, later, "the newest stays");
        assert_eq!(pod.read("orders/1").await.as_ref(), Some(&later), "users see it");
    }
    let written = pods[1].put("orders/1", 3).await;
    assert!(written.version > later.version, "{} after {}", written.version, later.version);
    assert_eq!(get(&pods[2], 1).await, written);
    let report = pods[0].observe().await.unwrap();
    assert_eq!(report.served.requests, 1, "only the user's read counts as traffic");
    let missing = pods[0].send_internal(Method::GET, "/internal/items/orders/9", "").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_misses_nothing_acknowledged_while_peers_come_and_go_or_is_refused() {
    let mut pods = start_peers(3, |_| {}).await;
    let mut acknowledged = BTreeMap::new();
    let items: Vec<usize> = (0..ITEMS).collect();
    for some in items.chunks(64) {
        let record = record(7, 7);
        let puts = some.iter().map(|item| put(&pods[item % 3], *item, &record));
        assert!(join_all(puts).await.iter().all(|status| *status == StatusCode::NO_CONTENT));
    }
    acknowledged.extend(items.iter().map(|item| (key(*item), version(7))));
    let long = Duration::from_secs(10);
    assert_eq!(list_all(&pods[0], long).await.unwrap(), acknowledged);

    pods[2].kill();
    for item in 0..5 {
        let written = pods[item % 2].put(&format!("orders/{item}"), 8).await;
        acknowledged.insert(key(item), written.version);
    }
    assert_eq!(list_all(&pods[1], long).await.unwrap(), acknowledged, "one of three is down");
    pods[1].kill();
    let refused = list_all(&pods[0], Duration::from_secs(1)).await.unwrap_err();
    // Whether the others are known to be away before the time is over depends on the machine.
    let (away, late) = (StatusCode::SERVICE_UNAVAILABLE, StatusCode::GATEWAY_TIMEOUT);
    assert!([away, late].contains(&refused.status), "{refused}");
    // The one that comes back was down during the newest writes.
    pods[2].start();
    pods[2].wait_until_ready().await;
    for pod in [&pods[0], &pods[2]] {
        assert_eq!(list_all(pod, long).await.unwrap(), acknowledged, "another one is down");
    }
    let summary = api_client(&pods[2]).summarize(&QueryContext::background()).await.unwrap();
    assert_eq!(summary.collections[&"orders".parse().unwrap()].items, ITEMS as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_limits_of_users_hold() {
    let pods = start_peers(1, |_| {}).await;
    let large = format!(r#"{{"version":"1.0.a","value":"{}"}}"#, "x".repeat(69 << 10));
    let cases = [
        (Method::PUT, "/internal/items/orders/1", large, StatusCode::PAYLOAD_TOO_LARGE),
        (Method::PUT, "/internal/items/orders/1", "{}".to_owned(), StatusCode::BAD_REQUEST),
        (Method::GET, "/internal/items/Orders/1", String::new(), StatusCode::BAD_REQUEST),
        (Method::GET, "/internal/items?after=orders", String::new(), StatusCode::BAD_REQUEST),
    ];
    for (method, path, body, status) in cases {
        let reply = pods[0].send_internal(method, path, &body).await;
        assert_eq!(reply.status, status, "{path}: {reply:?}");
    }
    let stored = serde_json::to_string(&record(1, 1)).unwrap();
    let users_port = pods[0].send(Method::PUT, "/internal/items/orders/1", &stored).await;
    assert_eq!(users_port.status, StatusCode::NOT_FOUND, "users do not reach the API");
    let ahead = record(wall_millis() + 2 * Version::MAX_AHEAD_MILLIS, 1);
    assert_eq!(put(&pods[0], 1, &ahead).await, StatusCode::BAD_REQUEST);
    let users_item = pods[0].read("orders/1").await;
    assert_eq!(users_item, None, "nothing was stored");
    let request =
        axum::http::Request::get(format!("{}/internal/summary", pods[0].internal().http_url()))
            .header(HEADER_RECIPIENT, "the-uid/peers")
            .header(HOPS, u16::from(MAX_HOPS))
            .body(http_body_util::Empty::<bytes::Bytes>::new())
            .unwrap();
    let executor = hyper_util::rt::TokioExecutor::new();
    let client = hyper_util::client::legacy::Client::builder(executor).build_http();
    assert_eq!(client.request(request).await.unwrap().status(), StatusCode::LOOP_DETECTED);
    let report = pods[0].observe().await.unwrap();
    assert_eq!((report.served.requests, report.older_requests), (1, 0), "the read of a user");
}
