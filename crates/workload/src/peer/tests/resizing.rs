//! Members that are added and removed.

use super::test_cluster::{TestCluster, wait_until};
use maquette_contract::Record;
use std::collections::BTreeMap;

const ITEMS: usize = 60;

async fn start_and_fill(
    mut cluster: TestCluster,
    peers: usize,
) -> (TestCluster, BTreeMap<usize, Record>) {
    for ordinal in 0..peers {
        cluster.start(ordinal).await;
    }
    cluster.wait_until_replicated().await;
    let written = cluster.fill(peers, ITEMS).await;
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
    cluster.assert_all_readable(&written).await;
    wait_until("old owners dropped their copies", || async {
        let copies = cluster.count_copies();
        if copies == 3 * ITEMS as u64 { Ok(()) } else { Err(copies) }
    })
    .await;
    assert!(
        cluster.peer(3).counter.count_items().on_disk > 0
            && cluster.peer(4).counter.count_items().on_disk > 0
    );
    cluster.assert_all_readable(&written).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leaving_peer_on_a_snapshot_hands_over_the_only_copies() {
    let (mut cluster, written) = start_and_fill(TestCluster::new(3, 3, 1), 3).await;
    cluster.kill(2);
    let snapshot = cluster.snapshot(2);
    cluster.start(2).await;
    cluster.wait_until_replicated().await;
    cluster.wait_until_start_is_remembered(2, 1).await;
    cluster.kill(2);
    cluster.restore(2, snapshot);
    cluster.set_member_count(2);
    cluster.start(2).await;
    wait_until("peer 2 has handed over", || async {
        let observed = cluster.peer(2).observation();
        let outdated = cluster.peer(2).peer().member().trust.outdated;
        if outdated && observed.under_replicated == 0 { Ok(()) } else { Err((outdated, observed)) }
    })
    .await;
    cluster.kill(2);
    cluster.wait_until_replicated().await;
    cluster.assert_all_readable(&written).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_peer_that_has_left_keeps_no_other_from_being_ready() {
    let (mut cluster, written) = start_and_fill(TestCluster::new(4, 4, 2), 4).await;
    cluster.set_member_count(3);
    cluster.wait_until_replicated().await;
    // Once restarted, it is removed, and sweeps no more.
    for restarted in [3, 0] {
        cluster.kill(restarted);
        cluster.start(restarted).await;
    }
    wait_until("the restarted member is ready", || async {
        let peer = cluster.peer(0);
        let saw_it = peer.peer().reports().is_live("shop-peers-3");
        let blockers = (peer.join_blocker(), peer.replication_blocker());
        if saw_it && blockers == (None, None) { Ok(()) } else { Err((saw_it, blockers)) }
    })
    .await;
    for (item, record) in &written {
        assert_eq!(cluster.get(0, *item).await.as_ref(), Some(record));
    }
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
    cluster.assert_all_readable(&written).await;
    // With two copies of each item, none may be left on the peer that goes.
    cluster.kill_and_wipe(3);
    cluster.assert_all_readable(&written).await;
    cluster.set_member_count(4);
    cluster.start(3).await;
    cluster.wait_until_replicated().await;
    cluster.assert_all_readable(&written).await;
}
