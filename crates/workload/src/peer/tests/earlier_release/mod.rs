//! Peers of this version and of the one before serve together while pods are replaced one by one.
//! The peers of the version before are stubs that speak exactly what that version did: they refuse
//! what it could not read.

mod stub;
mod stub_wire;

use super::test_cluster::{DEADLINE, TestCluster, key, wait_until};
use crate::{
    backend::ItemWrite,
    peer::{handle::PeerHandle, membership::Layout},
};
use axum::http::StatusCode;
use maquette_contract::{Content, RequestId};
use serde_json::json;
use std::{collections::BTreeMap, sync::Arc};
use stub::{Items, PEERS, RunningStub, Stub, name};
use stub_wire::Names;
use tokio::time::Instant;

async fn write_content(
    peer: &Arc<PeerHandle>,
    item: usize,
    content: Content,
) -> Result<(), String> {
    let key = key(item);
    let request = RequestId::new(rand::random());
    let write = ItemWrite { content, precondition: None, request };
    let item = peer.coordinator.item(&key, Instant::now() + DEADLINE, &|_| {});
    item.write(&write).await.map(drop).map_err(|error| error.to_string())
}

async fn wait_until_joined(cluster: &TestCluster) {
    wait_until("the peers of this version have joined those of the one before", || async {
        for (_, peer) in cluster.running_peers() {
            let blockers = (peer.join_blocker(), peer.replication_blocker(), peer.observation());
            let observed = &blockers.2;
            let is_joined = blockers.0.is_none() && blockers.1.is_none();
            if !is_joined || observed.under_replicated > 0 || observed.members.len() < PEERS {
                return Err(blockers);
            }
        }
        Ok(())
    })
    .await;
}

/// Every peer reads every item, and writes some.
async fn use_all(
    cluster: &TestCluster,
    stubs: &BTreeMap<usize, RunningStub>,
    expected: &mut BTreeMap<usize, u64>,
) {
    for running in stubs.values() {
        for (item, value) in &*expected {
            assert_eq!(running.stub.get(&key(*item).to_string()).await, json!(value));
        }
    }
    for (via, peer) in cluster.running_peers() {
        for (item, value) in &*expected {
            let found = cluster.get(via, *item).await.expect("it was written");
            assert_eq!(found.value().unwrap().as_str(), value.to_string());
        }
        let summary = cluster.summary(via).await;
        assert_eq!(summary.collections[&key(0).collection].items, expected.len() as u64);
        let (item, value) = (100 + expected.len(), rand::random_range(0..1000_u64));
        cluster.put(via, item, value).await;
        cluster.put(via, 1, value).await;
        expected.extend([(item, value), (1, value)]);
        let blocker = peer.replication_blocker();
        assert_eq!(blocker, None);
    }
    for running in stubs.values() {
        let (item, value) = (100 + expected.len(), rand::random_range(0..1000_u64));
        running.stub.put(&key(item).to_string(), json!(value)).await;
        running.stub.put(&key(2).to_string(), json!(value)).await;
        expected.extend([(item, value), (2, value)]);
    }
}

async fn upgrade_one_by_one(names: Names) {
    let mut cluster = TestCluster::new(PEERS, PEERS, 3);
    let addresses = Arc::new(cluster.addresses());
    let layout = Layout::new((0..PEERS).map(name), 3).unwrap();
    let mut stubs = BTreeMap::new();
    for ordinal in 0..PEERS {
        let (addresses, layout) = (Arc::clone(&addresses), layout.clone());
        let stub = Stub { names, ordinal, addresses, layout, items: Items::default() };
        stubs.insert(ordinal, stub.start().await);
    }
    let mut expected = BTreeMap::new();
    for item in 0..10 {
        stubs[&(item % PEERS)].stub.put(&key(item).to_string(), json!(item)).await;
        expected.insert(item, item as u64);
    }
    for ordinal in (0..PEERS).rev() {
        let stopped = stubs.remove(&ordinal).unwrap();
        stopped.stub.save_volume(&cluster.data_folder(ordinal)).await;
        drop(stopped);
        cluster.start(ordinal).await;
        wait_until_joined(&cluster).await;
        use_all(&cluster, &stubs, &mut expected).await;
        let peer = cluster.peer(ordinal);
        if stubs.is_empty() {
            break;
        }
        for content in [Content::Deleted, Content::Value("1e999".parse().unwrap())] {
            let refused = write_content(&peer, 0, content).await.unwrap_err();
            assert!(refused.contains("peers of an earlier version are up"), "{refused}");
        }
        // An empty volume is filled by peers of both versions.
        cluster.kill_and_wipe(ordinal);
        cluster.start(ordinal).await;
        wait_until_joined(&cluster).await;
        use_all(&cluster, &stubs, &mut expected).await;
    }
    let peer = cluster.peer(1);
    wait_until("a deletion is possible once all peers are of this version", || {
        write_content(&peer, 0, Content::Deleted)
    })
    .await;
    assert!(cluster.get(0, 0).await.unwrap().value().is_none());
    let own = ("maquette-peer", "shop/peers/shop-peers-0");
    let read = r#"{"key":"orders/1","version_only":true}"#;
    let (status, _) = cluster.post_to_peer(0, "/v1/read", &[own], read).await;
    assert_eq!(status, StatusCode::GONE, "unfenced requests end with the upgrade");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peers_with_the_first_names_are_upgraded_one_by_one() {
    upgrade_one_by_one(Names::First).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peers_with_the_later_names_are_upgraded_one_by_one() {
    upgrade_one_by_one(Names::Later).await;
}
