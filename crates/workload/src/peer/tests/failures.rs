//! Peers that stop and come back.

use super::test_cluster::{DEADLINE, TestCluster, key, read_item, wait_until, write_item};
use crate::peer::handle::PeerError;
use maquette_contract::Record;
use std::{collections::BTreeMap, time::Duration};
use tokio::time::timeout;

const ITEMS: usize = 60;

async fn start_and_fill(peers: usize, replicas: u32) -> (TestCluster, BTreeMap<usize, Record>) {
    let cluster = TestCluster::start_all(peers, replicas).await;
    let written = cluster.fill(peers, ITEMS).await;
    (cluster, written)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_item_written_via_one_peer_is_read_via_any() {
    let (cluster, mut written) = start_and_fill(5, 3).await;
    cluster.assert_all_readable(&written).await;
    for item in 0..ITEMS {
        let before = written[&item].version.clone();
        let record = cluster.put((item + 1) % 5, item, 1000).await;
        assert!(record.version > before, "{} after {before}", record.version);
        written.insert(item, record);
    }
    cluster.assert_all_readable(&written).await;
    assert_eq!(cluster.get(2, ITEMS).await, None);
    for via in 0..5 {
        let summary = cluster.summary(via).await;
        let orders = &summary.collections[&key(0).collection];
        assert_eq!((orders.items, orders.bytes), (ITEMS as u64, 4 * ITEMS as u64));
        assert_eq!(orders.newest, written.values().map(|record| record.version.clone()).max());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_lost_peer_costs_nothing_and_its_copies_are_restored() {
    let (mut cluster, mut written) = start_and_fill(5, 3).await;
    cluster.kill(0);
    for item in 0..ITEMS {
        let record = cluster.put(1 + item % 4, item, 2000).await;
        written.insert(item, record);
    }
    cluster.assert_all_readable(&written).await;
    let rest = cluster.count_copies();
    assert!(rest < 3 * ITEMS as u64, "no peer holds copies of items that it does not own: {rest}");
    cluster.start(0).await;
    cluster.wait_until_replicated().await;
    cluster.assert_all_readable(&written).await;
    wait_until("no peer holds more than its share", || async {
        let copies = cluster.count_copies();
        if copies == 3 * ITEMS as u64 { Ok(()) } else { Err(copies) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_volume_is_filled_and_does_not_count_before() {
    let (mut cluster, mut written) = start_and_fill(3, 3).await;
    cluster.kill(2);
    for item in 0..ITEMS {
        let record = cluster.put(item % 2, item, 3000).await;
        written.insert(item, record);
    }
    // Peer 2 comes back with old versions, peer 1 without any: only peer 0 has the newest.
    cluster.kill_and_wipe(1);
    cluster.start(2).await;
    cluster.start(1).await;
    cluster.assert_all_readable(&written).await;
    cluster.wait_until_replicated().await;
    cluster.assert_all_readable(&written).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_two_of_five_lost_no_read_is_wrong_and_nothing_is_lost() {
    let (mut cluster, mut written) = start_and_fill(5, 3).await;
    cluster.kill(0);
    cluster.kill(3);
    let mut refused = 0;
    for item in 0..ITEMS {
        let found = read_item(&cluster.peer(1), item, Duration::from_millis(700)).await;
        match found {
            Ok(found) => assert_eq!(found.as_ref(), Some(&written[&item])),
            Err(_) => refused += 1,
        }
        if let Ok(record) =
            write_item(&cluster.peer(2), item, 4000, Duration::from_millis(700)).await
        {
            written.insert(item, record);
        }
    }
    assert!(refused < ITEMS, "most items still have two copies");
    cluster.start(0).await;
    cluster.start(3).await;
    cluster.wait_until_replicated().await;
    for (item, acknowledged) in &written {
        let found = cluster.get(0, *item).await.expect("it was written");
        assert!(found.version >= acknowledged.version, "item {item}: {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_items_survive_a_stop_of_all_peers() {
    let (mut cluster, written) = start_and_fill(5, 3).await;
    (0..5).for_each(|ordinal| cluster.kill(ordinal));
    cluster.start(4).await;
    let refused = read_item(&cluster.peer(4), 0, Duration::from_millis(300)).await;
    assert!(refused.is_err(), "one peer is no read quorum: {refused:?}");
    wait_until("alone it is not ready, and says why", || async {
        let blocker = cluster.peer(4).join_blocker();
        let is_told = blocker.as_ref().is_some_and(|it| it.contains("0 of the 4 others by gossip"));
        if is_told { Ok(()) } else { Err(blocker) }
    })
    .await;
    for ordinal in 0..4 {
        cluster.start(ordinal).await;
    }
    cluster.assert_all_readable(&written).await;
    cluster.wait_until_replicated().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_cannot_write_its_state_file_stops() {
    let mut cluster = TestCluster::start_all(3, 2).await;
    cluster.block_state_file(0);
    cluster.set_member_count(2);
    let failed =
        timeout(DEADLINE, cluster.peer(0).wait_for_failure()).await.map_err(|_| "it still runs");
    assert!(matches!(failed, Ok(PeerError::StateFile(_))), "{failed:?}");
}
