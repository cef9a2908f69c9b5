//! Taking over from peers.

use super::*;

/// Owns every collection, in the store `new`, and takes items over from the peers.
fn heir_of_peers(new: &Address, peers: &Address) -> ServiceConfig {
    ServiceConfig {
        migration_sources: vec![source_config("old", SourceBackend::Peers, peers)],
        ..owner_config(new)
    }
}

#[tokio::test]
async fn what_the_peers_hold_is_read_at_once_and_kept() {
    let (peers, new) = (FakePeers::start().await, Store::start().await);
    let web = Service::start("web", heir_of_peers(&new.address, &peers.address)).await;
    web.get("/items/books/1").await.error(StatusCode::NOT_FOUND);
    peers.write("books/1", FUTURE, "by a peer");
    let got = web.get("/items/books/1").await;
    assert_eq!((got.version().millis, got.value()), (FUTURE, "by a peer".into()));
    let mut tree = asked(&got);
    tree.sort();
    assert_eq!(tree, pairs(&[("data", "GET"), ("data", "SET NX"), ("old", "read")]));
    assert_eq!(in_store(&new.address, "/items/books/1").await.unwrap().0, got.version());
}

#[tokio::test]
async fn a_write_is_at_the_peers_and_in_the_store_and_after_both() {
    let (peers, new) = (FakePeers::start().await, Store::start().await);
    let web = Service::start("web", heir_of_peers(&new.address, &peers.address)).await;
    peers.write("books/1", FUTURE, "by a peer");
    new.fill(&[("books/2".to_owned(), record(FUTURE, "here").as_str())]).await;
    for key in ["books/1", "books/2", "books/3"] {
        let path = format!("/items/{key}");
        let got = web.put(&path, r#""written""#).await;
        assert!(got.version().millis >= FUTURE || key == "books/3");
        let at_peers = peers.item(key).unwrap();
        assert_eq!((&at_peers.version, at_peers.value), (&got.version(), "written".into()));
        assert_eq!(in_store(&new.address, &path).await.unwrap().0, got.version());
    }
    let tree = asked(&web.put("/items/books/4", "1").await);
    let want = [("data", "GET"), ("old", "read"), ("old", "write"), ("data", "SET NX")];
    assert_eq!(tree, pairs(&want));
}

#[tokio::test]
async fn the_copy_takes_page_after_page_and_begins_again_after_a_failure() {
    let (peers, new) = (FakePeers::start().await, Store::start().await);
    for id in 0..7 {
        peers.write(&format!("books/{id}"), id + 1, "x");
        peers.write(&format!("orders/{id}"), id + 1, "x");
    }
    peers.refuse(2);
    let mut config = heir_of_peers(&new.address, &peers.address);
    config.migration_sources[0].collections =
        CollectionSet::AllBut(["orders".parse().unwrap()].into());
    let text = document("web", config.clone());
    let web = Service::start("web", config).await;
    let copy = || copy_under(&web, &text).unwrap();
    until("the copy is complete", || copy().complete).await;
    assert_eq!(copy().copied, 7);
    let failures = "maquette_origin_copy_failures_total{home=\"peers\"} 2\n";
    assert!(web.runtime.metrics.text().unwrap().contains(failures));
    let alone = Service::start("alone", owner_config(&new.address)).await;
    assert_eq!(alone.get("/summary").await.counts(), [("books".to_owned(), 7)]);
    // Those that were not copied count too, but for the collections that come from elsewhere.
    peers.write("books/7", 1, "x");
    assert_eq!(web.get("/summary").await.counts(), [("books".to_owned(), 8)]);
}

#[tokio::test]
async fn what_peers_cannot_tell_is_never_told_for_them() {
    let (peers, new) = (FakePeers::start().await, Store::start().await);
    new.fill(&[("books/1".to_owned(), record(1, "perhaps old").as_str())]).await;
    let web = Service::start("web", heir_of_peers(&new.address, &peers.address)).await;
    let text = document("web", heir_of_peers(&new.address, &peers.address));
    let complete = || copy_under(&web, &text).unwrap().complete;
    until("the copy asks for nothing any more", complete).await;
    for ask in [web.get("/items/books/1"), web.get("/summary")] {
        peers.refuse(1);
        let error = ask.await.error(StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(error, "old: answered 503 Service Unavailable: too few peers");
    }
    peers.refuse(1);
    web.put("/items/books/1", "1").await.error(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(in_store(&new.address, "/items/books/1").await.unwrap().1, "perhaps old");
}

#[tokio::test]
async fn who_does_not_know_the_path_does_not_say_that_there_is_no_item() {
    let new = Store::start().await;
    let strange = Service::start("strange", idle()).await;
    let web = Service::start("web", heir_of_peers(&new.address, &strange.address)).await;
    let error = web.get("/items/books/1").await.error(StatusCode::BAD_GATEWAY);
    assert!(error.starts_with("old: answered 404 Not Found: "), "{error}");
}
