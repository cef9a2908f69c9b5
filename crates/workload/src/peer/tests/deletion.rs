//! Deletions, lists of a collection and preconditions among peers.

use super::pods::{Pod, parse_answer, start_peers};
use axum::http::{Method, StatusCode};
use maquette_contract::Outcome;
use std::collections::BTreeSet;

async fn delete(pod: &Pod, item: &str) -> StatusCode {
    pod.send(Method::DELETE, &format!("/items/{item}"), "").await.status
}

/// The ids of all pages.
async fn list_all(pod: &Pod, collection: &str) -> BTreeSet<String> {
    let (mut ids, mut after) = (BTreeSet::new(), String::new());
    loop {
        let path = format!("/items/{collection}?limit=3{after}");
        let Outcome::Page(page) = pod.get(&path).await.outcome else { panic!("no page") };
        assert!(page.items.len() <= 3);
        ids.extend(page.items.into_iter().map(|item| String::from(item.id)));
        match page.next {
            Some(next) => after = format!("&after={}", next.replace('/', "%2F")),
            None => return ids,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_item_is_gone_at_every_peer_and_left_out_of_lists() {
    let pods = start_peers(3, |_| {}).await;
    assert_eq!(delete(&pods[0], "orders/0").await, StatusCode::NOT_FOUND);
    for id in 0..8 {
        pods[0].put(&format!("orders/{id}"), id).await;
        pods[1].put(&format!("books/{id}"), id).await;
    }
    let before = pods[0].read("orders/5").await.unwrap();
    assert_eq!(delete(&pods[1], "orders/5").await, StatusCode::OK);
    for pod in &pods {
        assert_eq!(pod.read("orders/5").await, None);
        let expected = (0..8).filter(|id| *id != 5).map(|id| id.to_string()).collect();
        assert_eq!(list_all(pod, "orders").await, expected);
    }
    assert_eq!(delete(&pods[2], "orders/5").await, StatusCode::NOT_FOUND);
    let created = pods[2].send(Method::PUT, "/items/orders/5", "8").await;
    assert_eq!(created.status, StatusCode::CREATED);
    assert_eq!(pods[1].send(Method::PUT, "/items/orders/5", "9").await.status, StatusCode::OK);
    assert!(pods[0].read("orders/5").await.unwrap().version > before.version, "versions go on");
    assert_eq!(list_all(&pods[0], "orders").await.len(), 8);

    let reply = pods[0].send(Method::GET, "/items/orders?after=nothing", "").await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert!(matches!(parse_answer(&reply).outcome, Outcome::Error(_)));
}
