//! Reads and writes while an item has a source and a target.

use super::*;
use tokio::sync::Semaphore;

#[tokio::test]
async fn a_read_copies_an_item_from_the_source_to_the_target() {
    let (old, new) = (Store::start().await, Store::start().await);
    let before = Service::start("before", owner_config(&old.address)).await;
    let written = before.put("/items/books/7", r#""Ulysses""#).await.version();
    // The backfill is blocked.
    let gated = backfill::gate(&old.address, &Arc::new(Semaphore::new(0))).await;
    let after = Service::start("after", migrating_config(&new.address, &gated)).await;
    assert_eq!(stored_item(&new.address, "/items/books/7").await, None);

    let got = after.get("/items/books/7").await;
    assert_eq!((got.version(), got.value()), (written.clone(), "Ulysses".into()));
    let mut tree = logged_queries(&got);
    tree.sort();
    let expected = [("data", "GET"), ("data", "SET NX"), ("old", "GET")];
    assert_eq!(tree, pairs(&expected), "source and target are read, and the newer item is written");
    assert_eq!(stored_item(&new.address, "/items/books/7").await.unwrap().0, written);
    let again = after.get("/items/books/7").await;
    assert_eq!(logged_queries(&again).len(), 2, "once copied, it is not written again");
    after.get("/items/books/8").await.error(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_write_is_in_both_stores_and_writes_to_the_source_are_seen() {
    let (old, new) = (Store::start().await, Store::start().await);
    let before = Service::start("before", owner_config(&old.address)).await;
    let after = Service::start("after", migrating_config(&new.address, &old.address)).await;
    for round in 0..3 {
        let by_new = after.put("/items/books/7", &format!("[{round},\"new\"]")).await;
        for store in [&old, &new] {
            let (version, value) = stored_item(&store.address, "/items/books/7").await.unwrap();
            assert_eq!((version, value), (by_new.version(), by_new.value()));
        }
        assert_eq!(before.get("/items/books/7").await.version(), by_new.version());

        let by_old = before.put("/items/books/7", &format!("[{round},\"old\"]")).await;
        assert!(by_old.version() > by_new.version());
        let read = after.get("/items/books/7").await;
        assert_eq!((read.version(), read.value()), (by_old.version(), by_old.value()));
        let kept = stored_item(&new.address, "/items/books/7").await.unwrap();
        assert_eq!(kept, (by_old.version(), by_old.value()), "copied before the answer");
    }
    let tree = logged_queries(&after.put("/items/books/8", "1").await);
    let expected = [("data", "GET"), ("old", "GET"), ("old", "SET NX"), ("data", "SET NX")];
    assert_eq!(tree, pairs(&expected), "the source is written first");
}

#[tokio::test]
async fn the_newer_item_wins_in_source_or_target() {
    let future = future_millis();
    let (old, new) = (Store::start().await, Store::start().await);
    let item =
        |id: &str, millis, value: &str| (format!("books/{id}"), record(future + millis, value));
    let fill = async |store: &Store, items: [(String, String); 2]| {
        let items = items.each_ref().map(|(key, value)| (key.clone(), value.as_str()));
        store.fill(&items).await;
    };
    // Items that remained on a reused volume.
    fill(&new, [item("1", 5, "stale"), item("2", 9, "fresh")]).await;
    fill(&old, [item("1", 9, "fresh"), item("2", 5, "stale")]).await;
    let after = Service::start("after", migrating_config(&new.address, &old.address)).await;
    for path in ["/items/books/1", "/items/books/2"] {
        let got = after.get(path).await;
        assert_eq!((got.version().millis, got.value()), (future + 9, "fresh".into()));
        assert_eq!(stored_item(&new.address, path).await.unwrap().1, "fresh");
    }
    for path in ["/items/books/1", "/items/books/2"] {
        let written = after.put(path, r#""newest""#).await;
        assert!(written.version().millis >= future + 9 && written.version().writer != "x");
        for store in [&old, &new] {
            let kept = stored_item(&store.address, path).await.unwrap();
            assert_eq!(kept, (written.version(), "newest".into()));
        }
    }
}

#[tokio::test]
async fn a_write_gets_a_later_version_than_the_target() {
    let future = future_millis();
    let (old, new) = (Store::start().await, Store::start().await);
    new.fill(&[("books/1".to_owned(), record(future, "x").as_str())]).await;
    let after = Service::start("after", migrating_config(&new.address, &old.address)).await;
    let written = after.put("/items/books/1", "1").await.version();
    assert!(written.millis >= future, "{written}");
    assert_eq!(stored_item(&new.address, "/items/books/1").await.unwrap().0, written);
}

#[tokio::test]
async fn requests_are_retried_while_either_store_is_down() {
    let (old, new) = (free_address().await, Store::start().await);
    new.fill(&[("books/1".to_owned(), record(1, "kept").as_str())]).await;
    let after = Service::start("after", migrating_config(&new.address, &old)).await;
    let (read, written, old) =
        tokio::join!(after.get("/items/books/1"), after.put("/items/books/2", "2"), async {
            wait_until("both are in flight", || after.runtime.config.in_flight() == 2).await;
            Store::start_at(&old, Arc::new(tempfile::tempdir().unwrap())).await
        });
    assert_eq!(read.value(), "kept");
    let version = written.version();
    assert_eq!(stored_item(&old.address, "/items/books/2").await.unwrap().0, version);

    let (new, folder) = new.stop().await;
    let (read, new) = tokio::join!(after.get("/items/books/2"), async {
        wait_until("it is in flight", || after.runtime.config.in_flight() == 1).await;
        Store::start_at(&new, folder).await
    });
    assert_eq!(read.version(), version);
    assert_eq!(stored_item(&new.address, "/items/books/2").await.unwrap().0, version);
}

#[tokio::test]
async fn requests_fail_while_the_source_is_down() {
    let new = Store::start().await;
    new.fill(&[("books/1".to_owned(), record(1, "perhaps old").as_str())]).await;
    // The port is bound, so that no other process takes it, but has no listener.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let old = Address(socket.local_addr().unwrap().to_string());
    let after = Service::start("after", migrating_config(&new.address, &old)).await;
    let headers = [(crate::runtime::headers::DEADLINE, "1500")];
    for path in ["/items/books/1", "/items/books/2", "/summary"] {
        let error = after.get_with(path, &headers).await.error(StatusCode::BAD_GATEWAY);
        assert!(error.starts_with("old at 127.0.0.1:"), "{error}");
    }
}

#[tokio::test]
async fn a_summary_counts_items_before_and_after_the_backfill_once() {
    let (old, new) = (Store::start().await, Store::start().await);
    let item = |key: &str| (key.to_owned(), r#"{"version":"1.0.x","value":1}"#);
    // Orders are not migrated, although the source has some.
    old.fill(&["books/1", "orders/1", "orders/2"].map(item)).await;
    new.fill(&["books/1", "cars/1", "orders/9"].map(item)).await;
    let mut config = migrating_config(&new.address, &old.address);
    config.migration_sources[0].collections =
        CollectionSet::AllBut(["orders".parse().unwrap()].into());
    let text = document("after", config.clone());
    let after = Service::start("after", config).await;
    wait_until("the backfill is complete", || {
        backfill_under(&after, &text).is_some_and(|report| report.complete)
    })
    .await;
    old.fill(&["books/2", "books/3"].map(item)).await;
    let counts = after.get("/summary").await.counts();
    let named = |name: &str, items| (name.to_owned(), items);
    assert_eq!(counts, [named("books", 3), named("cars", 1), named("orders", 1)]);
}
