//! Migration from peers.

use super::*;

/// Routes every collection to the store `new`, with peers as their source.
fn migrating_from_peers(new: &Address, peers: &Address) -> ServiceConfig {
    ServiceConfig {
        migration_sources: vec![source_config("old", SourceBackend::Peers, peers)],
        ..owner_config(new)
    }
}

#[tokio::test]
async fn a_read_copies_an_item_from_the_peers_to_the_store() {
    let future = future_millis();
    let (peers, new) = (FakePeers::start().await, Store::start().await);
    let web = Service::start("web", migrating_from_peers(&new.address, &peers.address)).await;
    web.get("/items/books/1").await.error(StatusCode::NOT_FOUND);
    peers.write("books/1", future, "by a peer");
    let got = web.get("/items/books/1").await;
    assert_eq!((got.version().millis, got.value()), (future, "by a peer".into()));
    let mut tree = logged_queries(&got);
    tree.sort();
    assert_eq!(tree, pairs(&[("data", "GET"), ("data", "SET NX"), ("old", "read")]));
    assert_eq!(stored_item(&new.address, "/items/books/1").await.unwrap().0, got.version());
}

#[tokio::test]
async fn a_write_is_at_the_peers_and_in_the_store() {
    let future = future_millis();
    let (peers, new) = (FakePeers::start().await, Store::start().await);
    let web = Service::start("web", migrating_from_peers(&new.address, &peers.address)).await;
    peers.write("books/1", future, "by a peer");
    new.fill(&[("books/2".to_owned(), record(future, "here").as_str())]).await;
    for key in ["books/1", "books/2", "books/3"] {
        let path = format!("/items/{key}");
        let got = web.put(&path, r#""written""#).await;
        assert!(got.version().millis >= future || key == "books/3");
        let at_peers = peers.item(key).unwrap();
        assert_eq!(
            (&at_peers.version, at_peers.value().unwrap().as_str()),
            (&got.version(), r#""written""#)
        );
        assert_eq!(stored_item(&new.address, &path).await.unwrap().0, got.version());
    }
    let tree = logged_queries(&web.put("/items/books/4", "1").await);
    let expected = [("data", "GET"), ("old", "read"), ("old", "write"), ("data", "SET NX")];
    assert_eq!(tree, pairs(&expected));
}

#[tokio::test]
async fn a_backfill_reads_all_pages_and_restarts_after_a_failure() {
    let (peers, new) = (FakePeers::start().await, Store::start().await);
    for id in 0..7 {
        peers.write(&format!("books/{id}"), id + 1, "x");
        peers.write(&format!("orders/{id}"), id + 1, "x");
    }
    peers.refuse(2);
    let mut config = migrating_from_peers(&new.address, &peers.address);
    config.migration_sources[0].collections =
        CollectionSet::AllBut(["orders".parse().unwrap()].into());
    let text = document("web", config.clone());
    let web = Service::start("web", config).await;
    let report = || backfill_under(&web, &text).unwrap();
    wait_until("the backfill is complete", || report().complete).await;
    assert_eq!(report().copied, 7);
    let failures = "maquette_migration_backfill_failures_total{backend=\"peers\"} 2\n";
    assert!(web.runtime.metrics.text().unwrap().contains(failures));
    let alone = Service::start("alone", owner_config(&new.address)).await;
    assert_eq!(alone.get("/summary").await.counts(), [("books".to_owned(), 7)]);
    // Items that are not copied yet count too, but not those of other collections.
    peers.write("books/7", 1, "x");
    assert_eq!(web.get("/summary").await.counts(), [("books".to_owned(), 8)]);
}

#[tokio::test]
async fn requests_fail_while_the_peers_refuse() {
    let (peers, new) = (FakePeers::start().await, Store::start().await);
    new.fill(&[("books/1".to_owned(), record(1, "perhaps old").as_str())]).await;
    let web = Service::start("web", migrating_from_peers(&new.address, &peers.address)).await;
    let text = document("web", migrating_from_peers(&new.address, &peers.address));
    let complete = || backfill_under(&web, &text).unwrap().complete;
    wait_until("the backfill is complete", complete).await;
    for request in [web.get("/items/books/1"), web.get("/summary")] {
        peers.refuse(1);
        let error = request.await.error(StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(error, "old: answered 503 Service Unavailable: too few peers");
    }
    peers.refuse(1);
    web.put("/items/books/1", "1").await.error(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(stored_item(&new.address, "/items/books/1").await.unwrap().1, "perhaps old");
}

#[tokio::test]
async fn a_component_without_the_internal_api_does_not_mean_no_item() {
    let new = Store::start().await;
    let strange = Service::start("old", idle_config()).await;
    let web = Service::start("web", migrating_from_peers(&new.address, &strange.address)).await;
    let error = web.get("/items/books/1").await.error(StatusCode::BAD_GATEWAY);
    assert!(error.starts_with("old: answered 404 Not Found: "), "{error}");
}
