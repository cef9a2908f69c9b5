//! Volumes that are new, lost, or snapshots.

use super::test_cluster::{DEADLINE, TestCluster, key, read_item, timing, wait_until, write_item};
use crate::peer::{handle::PeerHandle, membership::Layout};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::time::sleep;

const ITEMS: usize = 40;
/// The deadline of a request that may be refused.
const SHORT: Duration = Duration::from_millis(500);

/// The owners of an item of five peers, by ordinal.
fn owners(item: usize) -> BTreeSet<usize> {
    let names = (0..5).map(|ordinal| format!("shop-peers-{ordinal}"));
    let layout = Layout::new(names, 3).unwrap();
    let owners = layout.owners_of(&key(item));
    owners.iter().map(|name| name.trim_start_matches("shop-peers-").parse().unwrap()).collect()
}

async fn wait_until_joined(peer: &Arc<PeerHandle>) {
    wait_until("the peer has joined", || async { peer.join_blocker().map_or(Ok(()), Err) }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_peers_serve_once_a_majority_of_them_are_up() {
    let mut cluster = TestCluster::new(5, 5, 3);
    cluster.start(1).await;
    cluster.start(3).await;
    let refused = write_item(&cluster.peer(1), 0, 1, SHORT).await;
    assert!(refused.is_err(), "two of five have begun: {refused:?}");
    cluster.start(4).await;
    for peer in [1, 3, 4] {
        wait_until_joined(&cluster.peer(peer)).await;
    }
    let mut written = std::collections::BTreeMap::new();
    for item in (0..ITEMS).filter(|item| owners(*item).intersection(&[1, 3, 4].into()).count() >= 2)
    {
        written.insert(item, cluster.put(3, item, 7).await);
    }
    cluster.assert_all_readable(&written).await;
    // With four of five, each item has two owners that are up.
    cluster.start(0).await;
    wait_until_joined(&cluster.peer(0)).await;
    for item in 0..ITEMS {
        written.insert(item, cluster.put(0, item, 8).await);
    }
    cluster.assert_all_readable(&written).await;
    cluster.start(2).await;
    cluster.wait_until_replicated().await;
    cluster.assert_all_readable(&written).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_volumes_do_not_begin_beside_a_peer_that_remembers_them() {
    let mut cluster = TestCluster::start_all(5, 3).await;
    let written = cluster.fill(5, ITEMS).await;
    cluster.kill(3);
    cluster.kill(4);
    cluster.kill(2);
    cluster.kill_and_wipe(0);
    cluster.kill_and_wipe(1);
    for peer in 0..3 {
        cluster.start(peer).await;
    }
    // By then a majority of new peers would have begun.
    sleep(timing().solo_timeout * 2).await;
    for item in 0..ITEMS {
        for peer in 0..3 {
            let found = read_item(&cluster.peer(peer), item, Duration::from_millis(60)).await;
            assert!(found.is_err() || found == Ok(Some(written[&item].clone())), "{found:?}");
        }
    }
    cluster.start(3).await;
    cluster.start(4).await;
    cluster.wait_until_replicated().await;
    for (item, record) in written.iter().filter(|(item, _)| owners(**item) != [0, 1].into()) {
        assert_eq!(cluster.get(0, *item).await.as_ref(), Some(record));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_that_are_added_never_begin_without_the_others() {
    let mut cluster = TestCluster::new(3, 1, 1);
    cluster.start(0).await;
    let record = cluster.put(0, 1, 1).await;
    cluster.kill(0);
    cluster.change_members_of_new_peers(3);
    cluster.start(1).await;
    cluster.start(2).await;
    sleep(timing().solo_timeout * 2).await;
    for peer in [1, 2] {
        let found = read_item(&cluster.peer(peer), 1, SHORT).await;
        assert!(found.is_err(), "the only peer with items is down: {found:?}");
    }
    cluster.start(0).await;
    cluster.wait_until_replicated().await;
    assert_eq!(cluster.get(1, 1).await, Some(record));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replaced_volume_votes_item_by_item_and_waits_for_no_member_that_is_down() {
    let mut cluster = TestCluster::start_all(5, 3).await;
    let mut written = cluster.fill(5, ITEMS).await;
    cluster.kill(4);
    cluster.kill_and_wipe(0);
    cluster.start(0).await;
    wait_until_joined(&cluster.peer(0)).await;
    // Now peer 0 is needed for the items that it has in common with another peer that goes.
    cluster.kill(1);
    for item in 0..ITEMS {
        let owners = owners(item);
        let down = owners.intersection(&[1, 4].into()).count();
        if down < 2 && !(owners.contains(&0) && owners.contains(&4)) {
            assert_eq!(cluster.get(2, item).await.as_ref(), Some(&written[&item]));
            written.insert(item, cluster.put(0, item, 9).await);
        } else if owners.contains(&0) && owners.contains(&4) {
            let found = read_item(&cluster.peer(2), item, Duration::from_millis(60)).await;
            let is_right = found.as_ref().is_ok_and(|it| it.as_ref() == Some(&written[&item]));
            assert!(found.is_err() || is_right, "item {item}: {found:?}");
        }
    }
    cluster.start(1).await;
    cluster.start(4).await;
    cluster.wait_until_replicated().await;
    cluster.assert_all_readable(&written).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_of_a_volume_does_not_vote_with_what_it_has_forgotten() {
    let mut cluster = TestCluster::start_all(3, 3).await;
    cluster.fill(3, ITEMS).await;
    cluster.kill(2);
    let snapshot = cluster.snapshot(2);
    cluster.start(2).await;
    cluster.wait_until_replicated().await;
    cluster.wait_until_start_is_remembered(2, 0).await;
    cluster.kill(0);
    let mut written = std::collections::BTreeMap::new();
    for item in 0..ITEMS {
        written.insert(item, cluster.put(1, item, 5).await);
    }
    cluster.kill(1);
    cluster.kill(2);
    cluster.restore(2, snapshot);
    cluster.start(0).await;
    cluster.start(2).await;
    wait_until("the snapshot is noticed", || async {
        let peer = cluster.peer(2);
        let blocker = peer.join_blocker();
        // It may have joined since, as far as that is possible without peer 1.
        if blocker.as_ref().is_some_and(|it| it.contains("empty the volume"))
            || peer.peer().member().trust.unchecked == ["shop-peers-1".to_owned()].into()
        {
            return Ok(());
        }
        // Neither peer has the newest versions.
        let found = read_item(&cluster.peer(0), 0, SHORT).await;
        assert!(found.is_err(), "{found:?}");
        Err(blocker)
    })
    .await;
    let found = read_item(&cluster.peer(0), 1, SHORT).await;
    assert!(found.is_err(), "{found:?}");
    cluster.start(1).await;
    cluster.wait_until_replicated().await;
    cluster.assert_all_readable(&written).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_peers_the_second_may_be_lost() {
    let mut cluster = TestCluster::start_all(2, 2).await;
    let mut written = cluster.fill(2, ITEMS).await;
    cluster.kill(1);
    for item in 0..ITEMS {
        assert_eq!(cluster.get(0, item).await.as_ref(), Some(&written[&item]));
        written.insert(item, cluster.put(0, item, 3).await);
    }
    // Also after a restart.
    cluster.kill(0);
    cluster.start(0).await;
    cluster.assert_all_readable(&written).await;
    cluster.kill(0);
    cluster.start(1).await;
    let found = read_item(&cluster.peer(1), 0, timing().solo_timeout * 2).await;
    assert!(found.is_err(), "peer 1 has missed writes: {found:?}");
    cluster.start(0).await;
    cluster.wait_until_replicated().await;
    cluster.assert_all_readable(&written).await;
    assert!(read_item(&cluster.peer(1), ITEMS, DEADLINE).await.unwrap().is_none());
}
