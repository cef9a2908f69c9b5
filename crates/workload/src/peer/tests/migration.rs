//! Peers that migrate items from a store.

use super::{
    pods::{Pod, component, peer_config, start_peers, user_target, without_requests},
    test_cluster::{key, wait_until},
};
use crate::{
    backend::{ItemWrite, QueryContext, StoreClient, VersionFn},
    runtime::VersionClock,
};
use futures_util::future::join_all;
use maquette_contract::{
    CollectionSet, MigrationSource, Observations, PeerConfig, Record, RoleConfig, SourceBackend,
    StoreConfig,
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

/// Items that are in the store before the migration.
const ITEMS: usize = 60;

/// Reads and writes the store directly, without the peers.
struct SourceWriter {
    client: Arc<StoreClient>,
    clock: VersionClock,
}

impl SourceWriter {
    async fn write(&self, item: usize, value: u64) -> Record {
        let context = QueryContext::background();
        let version_fn: VersionFn<'_> = &|seen| self.clock.next_version(seen);
        let write = ItemWrite::of_number(value);
        let written = self.client.write_item(&context, &key(item), &write, version_fn).await;
        without_requests(written.unwrap().record)
    }

    async fn read(&self, item: usize) -> Option<Record> {
        let read = self.client.read_item(&QueryContext::background(), &key(item)).await;
        read.unwrap().map(without_requests)
    }
}

async fn filled_store() -> (Pod, SourceWriter, Vec<Record>) {
    let mut store = Pod::new("data", 0);
    store.configure(RoleConfig::Store(StoreConfig {}));
    store.start();
    store.wait_until_ready().await;
    let client = StoreClient::new(user_target(&component("data"), store.store()));
    let writer = SourceWriter { client, clock: VersionClock::new("old") };
    let written = join_all((0..ITEMS).map(|item| writer.write(item, item as u64))).await;
    (store, writer, written)
}

fn with_source(mut config: PeerConfig, store: &Pod, final_pass: bool) -> PeerConfig {
    let collections = CollectionSet::AllBut([].into());
    let (component, backend, address) = (component("data"), SourceBackend::Store, store.store());
    config.migration_sources =
        vec![MigrationSource { component, backend, address, collections, final_pass }];
    config
}

fn is_backfilled(report: &Observations) -> bool {
    report.migration_sources.len() == 1 && report.migration_sources[0].complete
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_backends_are_used_and_nothing_is_lost_with_the_store() {
    let (mut store, old, written) = filled_store().await;
    let pods = start_peers(3, |config| *config = with_source(config.clone(), &store, false)).await;
    for (item, record) in written.iter().enumerate().take(9) {
        let read = pods[item % 3].read(&format!("orders/{item}")).await;
        assert_eq!(read.as_ref(), Some(record), "backfilled or not, it is found");
    }
    let ours = pods[0].put("orders/0", 100).await;
    assert!(ours.version > written[0].version);
    assert_eq!(old.read(0).await.as_ref(), Some(&ours), "the store has it too");
    let theirs = old.write(0, 101).await;
    assert!(theirs.version > ours.version);
    assert_eq!(pods[1].read("orders/0").await.as_ref(), Some(&theirs), "the newer version of both");
    let after = pods[2].put("orders/0", 102).await;
    assert!(after.version > theirs.version);
    let summary = pods[0].get("/summary").await;
    assert!(summary.to_string().contains(&format!("orders  {ITEMS} items")), "{summary}");

    for pod in &pods {
        pod.wait_for_report("the backfill is complete", is_backfilled).await;
        pod.configure(RoleConfig::Peer(with_source(peer_config(&pods), &store, true)));
    }
    for pod in &pods {
        pod.wait_for_report("the final pass is complete", is_backfilled).await;
        let report = pod.observe().await.unwrap();
        assert_eq!(
            (report.items, report.migration_sources[0].copied),
            (Some(60), 60),
            "with three owners"
        );
        assert!(report.edges.iter().any(|edge| edge.to == component("data")));
    }
    store.kill();
    pods.iter().for_each(|pod| pod.configure(RoleConfig::Peer(peer_config(&pods))));
    for pod in &pods {
        pod.wait_for_report("no migration source is left", |report| {
            report.migration_sources.is_empty()
        })
        .await;
    }
    assert_eq!(pods[1].read("orders/0").await.as_ref(), Some(&after));
    for (item, record) in written.iter().enumerate().skip(1) {
        assert_eq!(pods[0].read(&format!("orders/{item}")).await.as_ref(), Some(record));
    }
}

/// The records that one client has written, by item; no other client writes these items.
type Acknowledged = BTreeMap<usize, Record>;

/// Waits until the clients have written 12 more items.
async fn wait_for_writes(next: &AtomicU64) {
    let enough = next.load(Ordering::Relaxed) + 12;
    wait_until("clients keep writing", || async {
        let now = next.load(Ordering::Relaxed);
        if now >= enough { Ok(()) } else { Err(now) }
    })
    .await;
}

/// Writes and reads items of its own through all peers until it is stopped.
async fn run_client(
    pods: Arc<Vec<Pod>>,
    client: usize,
    stopped: Arc<AtomicBool>,
    next: Arc<AtomicU64>,
) -> Acknowledged {
    let mut acknowledged = Acknowledged::new();
    let mut turn = client;
    while !stopped.load(Ordering::Relaxed) {
        let item = client + 4 * (turn % 5);
        let (writer, reader) = (&pods[turn % 3], &pods[(turn + 1) % 3]);
        let record =
            writer.put(&format!("orders/{item}"), next.fetch_add(1, Ordering::Relaxed)).await;
        let before = acknowledged.insert(item, record.clone()).map(|before| before.version);
        assert!(Some(&record.version) > before.as_ref(), "{item}: a version went back");
        let read = reader.read(&format!("orders/{item}")).await;
        assert_eq!(read, Some(record), "item {item} has only one writer");
        turn += 1;
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_while_the_store_is_dropped_peer_by_peer_under_load() {
    let (mut store, _old, written) = filled_store().await;
    let pods = Arc::new(start_peers(3, |it| *it = with_source(it.clone(), &store, true)).await);
    let (stopped, next) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(1000)));
    let clients: Vec<_> = (0..4)
        .map(|client| {
            let (pods, stopped, next) =
                (Arc::clone(&pods), Arc::clone(&stopped), Arc::clone(&next));
            tokio::spawn(run_client(pods, client, stopped, next))
        })
        .collect();
    for pod in pods.iter() {
        pod.wait_for_report("the backfill is complete", is_backfilled).await;
    }
    wait_for_writes(&next).await;
    for pod in pods.iter() {
        pod.configure(RoleConfig::Peer(peer_config(&pods)));
        pod.wait_for_report("no request is left under the old configuration", |report| {
            report.migration_sources.is_empty() && report.older_requests == 0
        })
        .await;
        wait_for_writes(&next).await;
    }
    store.kill();
    wait_for_writes(&next).await;
    stopped.store(true, Ordering::Relaxed);
    let mut newest: Acknowledged = written.into_iter().enumerate().collect();
    for client in clients {
        newest.extend(client.await.unwrap());
    }
    for (item, record) in newest {
        let read = pods[item % 3].read(&format!("orders/{item}")).await;
        assert_eq!(read, Some(record), "item {item}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backfill_is_complete_only_after_the_members_have_settled() {
    let (store, _old, _) = filled_store().await;
    let mut pods =
        start_peers(3, |config| *config = with_source(config.clone(), &store, true)).await;
    for pod in &pods {
        pod.wait_for_report("the backfill is complete", is_backfilled).await;
    }
    pods.push(Pod::new("peers", 3));
    let config = with_source(peer_config(&pods), &store, true);
    pods.iter().for_each(|pod| pod.configure(RoleConfig::Peer(config.clone())));
    for pod in &pods[..3] {
        // No peer can settle before the new one is up.
        pod.wait_for_report("the new configuration", |report| report.migration_sources.len() == 1)
            .await;
    }
    // This takes far longer than the backfill.
    for item in 0..3 * ITEMS {
        assert!(pods[item % 3].read(&format!("orders/{}", item / 3)).await.is_some());
    }
    for pod in &pods[..3] {
        assert!(!is_backfilled(&pod.observe().await.unwrap()));
    }
    pods[3].start();
    for pod in &pods {
        pod.wait_for_report("the backfill is complete", is_backfilled).await;
    }
    let items = join_all(pods.iter().map(Pod::observe)).await;
    let items: u64 = items.into_iter().map(|report| report.unwrap().items.unwrap()).sum();
    assert!(items >= 3 * ITEMS as u64, "every owner has its items: {items}");
}
