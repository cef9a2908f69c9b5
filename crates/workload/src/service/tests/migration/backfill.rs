//! The backfill.

use super::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Semaphore,
};

/// More than two pages.
const ITEMS: u64 = 450;

/// A proxy in front of a store. A `SCAN` takes a permit of the gate; without one its answer is
/// `LOADING`, and the client retries. The connection stays open: other queries share it.
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
    let requests = async {
        let mut sent = vec![0; 65536];
        while let Ok(size @ 1..) = from_client.read(&mut sent).await {
            let mut rest = &mut sent[..size];
            while let Some(at) = position_of(rest, b"$4\r\nSCAN\r") {
                match gate.try_acquire() {
                    Ok(permit) => permit.forget(),
                    // The store refuses the unknown command, in the order of the queries.
                    Err(_) => rest[at + 4..at + 8].copy_from_slice(b"SHUT"),
                }
                rest = &mut rest[at + 9..];
            }
            if to_server.write_all(&sent[..size]).await.is_err() {
                return;
            }
        }
    };
    let replies = async {
        let mut received = vec![0; 65536];
        while let Ok(size @ 1..) = from_server.read(&mut received).await {
            let mut reply = received[..size].to_vec();
            let refused = b"-ERR unknown command 'SHUT'";
            while let Some(at) = position_of(&reply, refused) {
                drop(reply.splice(at..at + refused.len(), *b"-LOADING the gate is closed"));
            }
            if to_client.write_all(&reply).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = requests => {}
        () = replies => {}
    }
}

fn position_of(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

/// A source with many items, and a target that has some of them.
async fn start_filled_stores() -> (Store, Store) {
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

async fn wait_for_backfill(service: &Service, text: &str) -> u64 {
    let complete = || backfill_under(service, text).is_some_and(|report| report.complete);
    wait_until("the backfill is complete", complete).await;
    backfill_under(service, text).unwrap().copied
}

/// All items are in the target, unchanged.
async fn assert_all_copied(new: &Store) {
    let alone = Service::start("alone", owner_config(&new.address)).await;
    assert_eq!(alone.get("/summary").await.counts(), [("books".to_owned(), ITEMS)]);
    for id in 0..ITEMS {
        let got = alone.get(&format!("/items/books/{id}")).await;
        assert_eq!((got.version().millis, got.value()), (id + 1, id.to_string().into()));
    }
}

fn has_metric(service: &Service, line: &str) -> bool {
    let line = format!("{line}\n");
    service.runtime.metrics.text().unwrap().contains(&line)
}

#[tokio::test]
async fn a_complete_backfill_is_reported() {
    let (old, new) = start_filled_stores().await;
    // A key that is not an item's, and a damaged item: the backfill leaves them out.
    old.fill(&[("no item".to_owned(), "x"), ("books/broken".to_owned(), "x")]).await;
    let config = migrating_config(&new.address, &old.address);
    let text = document("after", config.clone());
    let after = Service::start("after", config).await;
    assert_eq!(wait_for_backfill(&after, &text).await, ITEMS);
    let checked = format!(r#"maquette_migration_items_checked_total{{backend="store"}} {ITEMS}"#);
    let copied =
        format!(r#"maquette_migration_items_copied_total{{backend="store"}} {}"#, ITEMS - 40);
    let damaged = r#"maquette_migration_items_damaged_total{backend="store"} 1"#;
    let sources = r#"maquette_migration_sources{backend="store"} 1"#;
    let reported = after.runtime.observations().damaged_items;
    assert_eq!((reported.count, &*reported.examples), (1, &["books/broken".to_owned()][..]));
    for line in [&*checked, &copied, damaged, sources] {
        assert!(has_metric(&after, line), "{}", after.runtime.metrics.text().unwrap());
    }
    let complete = r#"maquette_migration_sources_complete{backend="store"} 1"#;
    wait_until("the metrics report it", || has_metric(&after, complete)).await;
    promtool::assert_clean(&after.runtime.metrics.text().unwrap());
    drop(old);
    assert_all_copied(&new).await;
}

#[tokio::test]
async fn a_backfill_is_complete_only_for_the_configuration_of_its_start() {
    let (old, new) = (Store::start().await, Store::start().await);
    old.fill(&[("books/1".to_owned(), record(1, "early").as_str())]).await;
    let gate = Arc::new(Semaphore::new(1));
    let gated = super::backfill::gate(&old.address, &gate).await;
    let config = migrating_config(&new.address, &gated);
    let first = document("after", config.clone());
    let after = Service::start("after", config.clone()).await;
    assert_eq!(wait_for_backfill(&after, &first).await, 1);

    // Written by another component to the source alone, after the scan.
    old.fill(&[("books/2".to_owned(), record(2, "late").as_str())]).await;
    let second = document("after", with_final_pass(config.clone()));
    reconfigure(&after, &second).await;
    let report = backfill_under(&after, &second).unwrap();
    assert_eq!((report.complete, report.copied), (false, 0), "it starts again");
    assert!(has_metric(&after, r#"maquette_migration_sources_complete{backend="store"} 0"#));
    gate.add_permits(1);
    assert_eq!(wait_for_backfill(&after, &second).await, 2);
    assert_eq!(stored_item(&new.address, "/items/books/2").await.unwrap().1, "late");

    // Also back to the first configuration, and during a backfill.
    reconfigure(&after, &first).await;
    assert!(!backfill_under(&after, &first).unwrap().complete);
    reconfigure(&after, &second).await;
    assert!(!backfill_under(&after, &second).unwrap().complete);
    gate.add_permits(100);
    assert_eq!(wait_for_backfill(&after, &second).await, 2);
}

#[tokio::test]
async fn a_backfill_continues_after_a_restart_of_the_source() {
    let (old, new) = start_filled_stores().await;
    let gate = Arc::new(Semaphore::new(1));
    let gated = super::backfill::gate(&old.address, &gate).await;
    let config = migrating_config(&new.address, &gated);
    let text = document("after", config.clone());
    let after = Service::start("after", config).await;
    let copied = || backfill_under(&after, &text).map_or(0, |report| report.copied);
    wait_until("a page is copied", || copied() > 100).await;
    let (address, folder) = old.stop().await;
    assert!(!backfill_under(&after, &text).unwrap().complete);
    let _old = Store::start_at(&address, folder).await;
    gate.add_permits(100);
    assert_eq!(wait_for_backfill(&after, &text).await, ITEMS);
    assert_all_copied(&new).await;
}

#[tokio::test]
async fn a_draining_pod_stops_its_backfill() {
    let (old, new) = start_filled_stores().await;
    let gate = Arc::new(Semaphore::new(0));
    let gated = super::backfill::gate(&old.address, &gate).await;
    let after = Service::start("after", migrating_config(&new.address, &gated)).await;
    wait_until("it is ready", || after.runtime.readiness.unmet_conditions().is_empty()).await;
    after.runtime.shutdown.begin();
    wait_until("it has drained", || after.serving.is_finished()).await;
}
