//! Members that are added and removed.

use super::test_cluster::{DEADLINE, TestCluster, read_item, wait_until};
use maquette_contract::Record;
use std::collections::BTreeMap;

const ITEMS: usize = 60;

async fn assert_all_readable(cluster: &TestCluster, written: &BTreeMap<usize, Record>) {
    for (via, peer) in cluster.running_peers() {
        for (item, record) in written {
            let found = read_item(&peer, *item, DEADLINE).await;
            assert_eq!(found, Ok(Some(record.clone())), "item {item} via peer {via}");
        }
    }
}

async fn start_and_fill(
    mut cluster: TestCluster,
    peers: usize,
) -> (TestCluster, BTreeMap<usize, Record>) {
    for ordinal in 0..peers {
        cluster.start(ordinal).await;
    }
    cluster.wait_until_replicated().await;
    let mut written = BTreeMap::new();
    for item in 0..ITEMS {
        written.insert(item, cluster.put(item % peers, item, item as u64).await);
    }
    (cluster, written)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn added_peers_get_their_share_while_everything_is_read() {
    let (mut cluster, mut written) = start_and_fill(TestCluster::new(5, 3, 3), 3).await;
    cluster.set_member_count(5);
    // The new peers are not up yet: no request may wait for them.
    for item in 0..ITEMS / 2 {
        written.insert(item, cluster.put(item % 3, item, 5000).await);
    }
    cluster.start(3).await;
    cluster.start(4).await;
    for item in ITEMS / 2..ITEMS {
        written.insert(item, cluster.put(item % 3, item, 5000).await);
    }
    cluster.wait_until_replicated().await;
    assert_all_readable(&cluster, &written).await;
    wait_until("old owners dropped their copies", || async {
        let held: u64 =
            cluster.running_peers().iter().map(|(_, peer)| peer.counter.count_items().held).sum();
        if held == 3 * ITEMS as u64 { Ok(()) } else { Err(held) }
    })
    .await;
    assert!(
        cluster.peer(3).counter.count_items().held > 0
            && cluster.peer(4).counter.count_items().held > 0
    );
    assert_all_readable(&cluster, &written).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_leaves_hands_its_items_over_first() {
    let (mut cluster, written) = start_and_fill(TestCluster::new(4, 4, 2), 4).await;
    cluster.set_member_count(3);
    assert!(
        cluster.peer(3).observation().under_replicated > 0,
        "it has not handed its items over yet"
    );
    cluster.wait_until_replicated().await;
    assert_all_readable(&cluster, &written).await;
    // With two copies of each item, none may be left on the peer that goes.
    cluster.kill_and_wipe(3);
    assert_all_readable(&cluster, &written).await;
    cluster.set_member_count(4);
    cluster.start(3).await;
    cluster.wait_until_replicated().await;
    assert_all_readable(&cluster, &written).await;
}
