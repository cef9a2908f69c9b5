//! Values that users send are read byte for byte on every path, also across a migration and a
//! repair; damaged copies and versions from the future harm nothing else.

use super::{
    pods::{Pod, component, peer_config, start_peers},
    test_cluster::{DEADLINE, TestCluster, key, read_item, wait_until, write_item},
    test_seed,
};
use crate::{runtime::wall_millis, storage::Storage};
use axum::http::{Method, StatusCode};
use bytes::Bytes;
use maquette_contract::{
    Call, CallMode, CollectionSet, Content, Hop, ItemValue, MigrationSource, Observations, Outcome,
    Percent, RequestWork, RoleConfig, Routes, ServiceConfig, SourceBackend, StoreConfig,
    StoreTarget, Version,
};
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

/// Values on each path.
const VALUES: usize = 24;

/// JSON texts: numbers of any form, Unicode, escapes, white space, repeated keys, any order.
fn json_text() -> impl Strategy<Value = String> {
    let number = "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?";
    let characters = "([ -!#-\\[\\]-~]|\\PC|\\\\u[0-9a-fA-F]{4}|\\\\[nrt\"\\\\/bf]){0,12}";
    let string = characters.prop_map(|text| format!("\"{}\"", text.replace(['"', '\\'], "\\\\")));
    let space = "[ \t\n\r]{0,2}";
    let leaf = prop_oneof![
        number.prop_map(String::from),
        string.clone(),
        prop::sample::select(vec!["null", "true", "false", "-0", "1e999", "[]", "{}"])
            .prop_map(String::from),
    ];
    let value = leaf.prop_recursive(6, 48, 6, move |inner| {
        let item = (space, inner.clone(), space).prop_map(|(a, item, b)| format!("{a}{item}{b}"));
        let member = (string.clone(), item.clone()).prop_map(|(key, item)| format!("{key}:{item}"));
        prop_oneof![
            prop::collection::vec(item, 1..5).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec(member, 1..5).prop_map(|it| format!("{{{}}}", it.join(","))),
        ]
    });
    let deep = (value, 0_usize..80)
        .prop_map(|(value, depth)| format!("{}{value}{}", "[".repeat(depth), "]".repeat(depth)));
    let large = (1_usize..65_000).prop_map(|bytes| format!("\"{}\"", "é".repeat(bytes / 2)));
    prop_oneof![9 => deep, 1 => large]
}

/// Values from a seed, which is printed when a test fails.
pub(super) fn sample_values() -> Vec<String> {
    let number = test_seed();
    println!("MAQUETTE_TEST_SEED={number}");
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    let strategy = json_text();
    let samples = std::iter::from_fn(|| Some(strategy.new_tree(&mut runner).unwrap().current()));
    samples.filter(|text| text.parse::<ItemValue>().is_ok()).take(VALUES).collect()
}

/// Writes the values as a user does: value `n` is item `n`.
async fn write_all(pod: &Pod, values: &[String]) {
    for (item, value) in values.iter().enumerate() {
        let reply = pod.send(Method::PUT, &format!("/items/orders/{item}"), value).await;
        assert!(reply.status.is_success(), "{value}: {reply:?}");
    }
}

async fn assert_same(pod: &Pod, values: &[String], path: &str) {
    for (item, value) in values.iter().enumerate() {
        let answer = pod.get(&format!("/items/orders/{item}")).await;
        let Outcome::Item { value: read, .. } = answer.outcome else {
            panic!("{path}: {value}: {answer:?}");
        };
        assert_eq!(read.as_str(), value, "{path}");
    }
}

async fn start_store(name: &str) -> Pod {
    let mut store = Pod::new(name, 0);
    store.configure(RoleConfig::Store(StoreConfig {}));
    store.start();
    store.wait_until_ready().await;
    store
}

/// A service that owns every collection, in `store`.
fn owner(store: (&str, &Pod)) -> ServiceConfig {
    ServiceConfig {
        work: RequestWork::default(),
        mode: CallMode::Sequential,
        calls: vec![],
        store: Some(StoreTarget { component: component(store.0), address: store.1.store() }),
        routes: Routes { collections: [].into(), rest: Some(Hop::Own) },
        migration_sources: vec![],
    }
}

async fn start_service(name: &str, config: ServiceConfig) -> Pod {
    let mut pod = Pod::new(name, 0);
    pod.configure(RoleConfig::Service(config));
    pod.start();
    pod.wait_until_ready().await;
    pod
}

fn source(name: &str, backend: SourceBackend, pod: &Pod) -> MigrationSource {
    let address = match backend {
        SourceBackend::Store => pod.store(),
        SourceBackend::Peers => pod.internal(),
    };
    let collections = CollectionSet::AllBut([].into());
    MigrationSource { component: component(name), backend, address, collections, final_pass: true }
}

fn is_backfilled(report: &Observations) -> bool {
    report.migration_sources.iter().all(|source| source.complete)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledged_value_is_read_byte_for_byte_on_every_path() {
    let values = sample_values();
    let (old, new) = (start_store("old").await, start_store("new").await);
    let web = start_service("web", owner(("old", &old))).await;
    write_all(&web, &values).await;
    assert_same(&web, &values, "a service and its store").await;
    let call = Call {
        component: component("web"),
        address: web.traffic(),
        probability_percent: Percent::ALWAYS,
    };
    let routes = Routes { collections: [].into(), rest: Some(Hop::Call(component("web"))) };
    let front = ServiceConfig { calls: vec![call], store: None, routes, ..owner(("old", &old)) };
    let front = start_service("front", front).await;
    assert_same(&front, &values, "two services and a store").await;

    let migration_sources = vec![source("old", SourceBackend::Store, &old)];
    let moved = ServiceConfig { migration_sources, ..owner(("new", &new)) };
    let moved = start_service("moved", moved).await;
    moved.wait_for_report("the store is copied", is_backfilled).await;
    moved.configure(RoleConfig::Service(owner(("new", &new))));
    moved.wait_for_report("the source is dropped", |it| it.migration_sources.is_empty()).await;
    assert_same(&moved, &values, "from a store to a store").await;

    let migration_sources = vec![source("new", SourceBackend::Store, &new)];
    let pods = start_peers(3, |config| config.migration_sources = migration_sources.clone()).await;
    for pod in &pods {
        pod.wait_for_report("the peers have all items", is_backfilled).await;
        pod.configure(RoleConfig::Peer(peer_config(&pods)));
    }
    for pod in &pods {
        pod.wait_for_report("the source is dropped", |it| it.migration_sources.is_empty()).await;
        assert_same(pod, &values, "from a store to peers").await;
    }
    let more = sample_values();
    write_all(&pods[1], &more).await;
    assert_same(&pods[2], &more, "peers").await;

    let last = start_store("last").await;
    let migration_sources = vec![source("peers", SourceBackend::Peers, &pods[0])];
    let config = ServiceConfig { migration_sources, ..owner(("last", &last)) };
    let from_peers = start_service("from-peers", config).await;
    from_peers.wait_for_report("the peers are copied", is_backfilled).await;
    from_peers.configure(RoleConfig::Service(owner(("last", &last))));
    from_peers.wait_for_report("the source is dropped", |it| it.migration_sources.is_empty()).await;
    assert_same(&from_peers, &more, "from peers to a store").await;
}

/// Puts bytes on the disk of a peer that does not run.
async fn put_raw(cluster: &TestCluster, ordinal: usize, item: usize, bytes: &str) {
    let folder = cluster.data_folder(ordinal);
    let mut opened = None;
    wait_until("the file is closed", || {
        let found = Storage::open(&folder);
        let outcome = found.map(|storage| opened = Some(storage)).map_err(|it| it.to_string());
        async { outcome }
    })
    .await;
    let value = Bytes::copy_from_slice(bytes.as_bytes());
    opened.unwrap().put(key(item).to_string().as_bytes(), value).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_copies_are_replaced_and_stop_nothing() {
    let mut cluster = TestCluster::start_all(3, 3).await;
    let written = cluster.fill(3, 20).await;
    cluster.kill(1);
    put_raw(&cluster, 1, 3, "no record").await;
    put_raw(&cluster, 1, 4, r#"{"version":"18446744073709551615.4294967295.z","value":1}"#).await;
    cluster.start(1).await;
    cluster.wait_until_replicated().await;
    cluster.assert_all_readable(&written).await;
    wait_until("the damaged copies are replaced", || async {
        let damaged = cluster.peer(1).replica().damaged().observation();
        if damaged.is_empty() { Ok(()) } else { Err(damaged) }
    })
    .await;
    // The other two alone are no quorum that has seen the repair: it must be on this disk.
    cluster.kill(0);
    for item in [3, 4] {
        let found = read_item(&cluster.peer(1), item, DEADLINE).await;
        assert_eq!(found, Ok(Some(written[&item].clone())));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_item_without_an_intact_copy_is_told_and_can_be_written_again() {
    let mut cluster = TestCluster::start_all(1, 1).await;
    cluster.fill(1, 3).await;
    cluster.kill(0);
    put_raw(&cluster, 0, 1, "no record").await;
    cluster.start(0).await;
    cluster.wait_until_replicated().await;
    let found = read_item(&cluster.peer(0), 1, DEADLINE).await;
    let error = found.unwrap_err().to_string();
    assert!(error.contains("orders/1 is damaged on the disks of shop-peers-0"), "{error}");
    assert_eq!(cluster.summary(0).await.collections[&"orders".parse().unwrap()].items, 2);
    let again = cluster.put(0, 1, 9).await;
    assert_eq!(cluster.get(0, 1).await, Some(again));
    assert!(cluster.peer(0).replica().damaged().observation().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_below_a_copy_from_the_future_is_not_acknowledged() {
    let mut cluster = TestCluster::start_all(1, 1).await;
    cluster.fill(1, 3).await;
    cluster.kill(0);
    let millis = wall_millis() + 10 * Version::MAX_AHEAD_MILLIS;
    put_raw(&cluster, 0, 1, &format!(r#"{{"version":"{millis}.0.z","value":1}}"#)).await;
    cluster.start(0).await;
    cluster.wait_until_replicated().await;
    let refused = write_item(&cluster.peer(0), 1, 9, DEADLINE / 4).await;
    assert!(refused.is_err(), "{refused:?}");
    let other = cluster.put(0, 2, 9).await;
    assert_eq!(cluster.get(0, 2).await, Some(other));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_value_leaves_nothing_and_keeps_no_peer_from_being_ready() {
    let mut pods = start_peers(3, |_| {}).await;
    for depth in [101, 124, 125, 126, 127, 128, 1000] {
        let body = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let reply = pods[0].send(Method::PUT, &format!("/items/orders/{depth}"), &body).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{depth}");
    }
    for pod in &mut pods {
        assert_eq!(pod.observe().await.unwrap().items, Some(0));
        pod.kill();
        pod.start();
        pod.wait_until_ready().await;
    }
}

#[tokio::test]
async fn a_copy_from_the_future_is_refused_by_a_peer() {
    let cluster = TestCluster::start_all(1, 1).await;
    let millis = wall_millis() + 2 * Version::MAX_AHEAD_MILLIS;
    let record = maquette_contract::Record::new(
        Version { millis, counter: 0, writer: "x".into() },
        Content::Value("1".parse().unwrap()),
    );
    let record = serde_json::to_string(&record).unwrap();
    let body = format!(r#"{{"copies":[{{"key":"orders/1","record":{record}}}],"terms":null}}"#);
    let own = ("maquette-peer", "shop/peers/shop-peers-0");
    let (status, reason) = cluster.post_to_peer(0, "/v2/write", &[own], &body).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{reason}");
    assert_eq!(cluster.count_copies(), 0);
    assert!(cluster.put(0, 1, 2).await.version.millis <= wall_millis());
}
