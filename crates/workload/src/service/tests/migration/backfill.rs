//! The copy in the background.

use super::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Semaphore,
};

/// More than two pages.
const ITEMS: u64 = 450;

/// Stands between a service and a store. While the gate lets no `SCAN` pass, one that comes loses
/// its connection; it is made again then.
pub(super) async fn gate(store: &Address, gate: &Arc<Semaphore>) -> Address {
    let (listener, address) = listen().await;
    let (store, gate) = (store.clone(), Arc::clone(gate));
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let Ok(server) = TcpStream::connect(&store.0).await else { continue };
            tokio::spawn(pass(client, server, Arc::clone(&gate)));
        }
    });
    address
}

async fn pass(client: TcpStream, server: TcpStream, gate: Arc<Semaphore>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let ask = async {
        let mut asked = vec![0; 65536];
        while let Ok(size @ 1..) = from_client.read(&mut asked).await {
            if asked[..size].windows(9).any(|bytes| bytes == b"$4\r\nSCAN\r") {
                let Ok(place) = gate.try_acquire() else { return };
                place.forget();
            }
            if to_server.write_all(&asked[..size]).await.is_err() {
                return;
            }
        }
    };
    let answer = async { drop(tokio::io::copy(&mut from_server, &mut to_client).await) };
    tokio::select! {
        () = ask => {}
        () = answer => {}
    }
}

/// A store with many items, of which the service's own store has some already.
async fn filled() -> (Store, Store) {
    let (old, new) = (Store::start().await, Store::start().await);
    let item = |id: u64| (format!("books/{id}"), record(id + 1, &id.to_string()));
    let fill = async |store: &Store, ids: std::ops::Range<u64>| {
        let items: Vec<_> = ids.map(item).collect();
        let items: Vec<_> = items.iter().map(|(key, value)| (key.clone(), &**value)).collect();
        store.fill(&items).await;
    };
    fill(&old, 0..ITEMS).await;
    fill(&new, 0..40).await;
    (old, new)
}

async fn completes(service: &Service, text: &str) -> u64 {
    let complete = || copy_under(service, text).is_some_and(|copy| copy.complete);
    until("the copy is complete", complete).await;
    copy_under(service, text).unwrap().copied
}

/// Everything is in the new store, as it was in the old one.
async fn assert_copied(new: &Store) {
    let alone = Service::start("alone", owner_config(&new.address)).await;
    assert_eq!(alone.get("/summary").await.counts(), [("books".to_owned(), ITEMS)]);
    for id in 0..ITEMS {
        let got = alone.get(&format!("/items/books/{id}")).await;
        assert_eq!((got.version().millis, got.value()), (id + 1, id.to_string().into()));
    }
}

fn metric(service: &Service, line: &str) -> bool {
    let line = format!("{line}\n");
    service.runtime.metrics.text().unwrap().contains(&line)
}

#[tokio::test]
async fn the_copy_ends_and_says_so() {
    let (old, new) = filled().await;
    // No items: they are left where they are.
    old.fill(&[("no item".to_owned(), "x"), ("books/broken".to_owned(), "x")]).await;
    let config = migrating_config(&new.address, &old.address);
    let text = document("after", config.clone());
    let after = Service::start("after", config).await;
    assert_eq!(completes(&after, &text).await, ITEMS);
    let looked_at = format!(r#"maquette_origin_items_looked_at_total{{home="store"}} {ITEMS}"#);
    let copied = format!(r#"maquette_origin_items_copied_total{{home="store"}} {}"#, ITEMS - 40);
    for line in [&*looked_at, &copied, r#"maquette_origins{home="store"} 1"#] {
        assert!(metric(&after, line), "{}", after.runtime.metrics.text().unwrap());
    }
    let complete = r#"maquette_origins_complete{home="store"} 1"#;
    until("the metrics say so", || metric(&after, complete)).await;
    promtool::assert_clean(&after.runtime.metrics.text().unwrap());
    drop(old);
    assert_copied(&new).await;
}

#[tokio::test]
async fn a_copy_is_complete_only_for_the_configuration_that_it_began_under() {
    let (old, new) = (Store::start().await, Store::start().await);
    old.fill(&[("books/1".to_owned(), record(1, "early").as_str())]).await;
    let gate = Arc::new(Semaphore::new(1));
    let gated = super::backfill::gate(&old.address, &gate).await;
    let config = migrating_config(&new.address, &gated);
    let first = document("after", config.clone());
    let after = Service::start("after", config.clone()).await;
    assert_eq!(completes(&after, &first).await, 1);

    // By somebody who does not know of the new home; the copy is past it.
    old.fill(&[("books/2".to_owned(), record(2, "late").as_str())]).await;
    let second = document("after", with_final_pass(config.clone()));
    reconfigure(&after, &second).await;
    let copy = copy_under(&after, &second).unwrap();
    assert_eq!((copy.complete, copy.copied), (false, 0), "it begins again");
    assert!(metric(&after, r#"maquette_origins_complete{home="store"} 0"#));
    gate.add_permits(1);
    assert_eq!(completes(&after, &second).await, 2);
    assert_eq!(in_store(&new.address, "/items/books/2").await.unwrap().1, "late");

    // Also back to what was before, and while a copy is under way.
    reconfigure(&after, &first).await;
    assert!(!copy_under(&after, &first).unwrap().complete);
    reconfigure(&after, &second).await;
    assert!(!copy_under(&after, &second).unwrap().complete);
    gate.add_permits(100);
    assert_eq!(completes(&after, &second).await, 2);
}

#[tokio::test]
async fn the_copy_goes_on_after_the_old_store_was_restarted() {
    let (old, new) = filled().await;
    let gate = Arc::new(Semaphore::new(1));
    let gated = super::backfill::gate(&old.address, &gate).await;
    let config = migrating_config(&new.address, &gated);
    let text = document("after", config.clone());
    let after = Service::start("after", config).await;
    let copied = || copy_under(&after, &text).map_or(0, |copy| copy.copied);
    until("a page is copied", || copied() > 100).await;
    let (address, folder) = old.stop().await;
    assert!(!copy_under(&after, &text).unwrap().complete);
    let _old = Store::start_at(&address, folder).await;
    gate.add_permits(100);
    assert_eq!(completes(&after, &text).await, ITEMS);
    assert_copied(&new).await;
}

#[tokio::test]
async fn a_pod_that_drains_copies_no_more() {
    let (old, new) = filled().await;
    let gate = Arc::new(Semaphore::new(0));
    let gated = super::backfill::gate(&old.address, &gate).await;
    let after = Service::start("after", migrating_config(&new.address, &gated)).await;
    until("it is ready", || after.runtime.readiness.unmet_conditions().is_empty()).await;
    after.runtime.shutdown.begin();
    until("it has drained", || after.serving.is_finished()).await;
}
