//! Members that are added and taken away.

use super::cluster::{Cluster, DEADLINE, read, until};
use maquette_contract::Record;
use std::collections::BTreeMap;

const ITEMS: usize = 60;

async fn all_is_read(cluster: &Cluster, written: &BTreeMap<usize, Record>) {
    for (via, peer) in cluster.running() {
        for (item, record) in written {
            let found = read(&peer, *item, DEADLINE).await;
            assert_eq!(found, Ok(Some(record.clone())), "item {item} via peer {via}");
        }
    }
}

async fn filled(mut cluster: Cluster, peers: usize) -> (Cluster, BTreeMap<usize, Record>) {
    for ordinal in 0..peers {
        cluster.start(ordinal).await;
    }
    cluster.whole().await;
    let mut written = BTreeMap::new();
    for item in 0..ITEMS {
        written.insert(item, cluster.put(item % peers, item, item as u64).await);
    }
    (cluster, written)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn added_peers_get_their_share_while_everything_is_read() {
    let (mut cluster, mut written) = filled(Cluster::new(5, 3, 3), 3).await;
    cluster.configure(5);
    // The new ones are not there yet: nothing may wait for them.
    for item in 0..ITEMS / 2 {
        written.insert(item, cluster.put(item % 3, item, 5000).await);
    }
    cluster.start(3).await;
    cluster.start(4).await;
    for item in ITEMS / 2..ITEMS {
        written.insert(item, cluster.put(item % 3, item, 5000).await);
    }
    cluster.whole().await;
    all_is_read(&cluster, &written).await;
    until("old owners dropped what moved", || async {
        let held: u64 = cluster.running().iter().map(|(_, peer)| peer.node.counted().0).sum();
        if held == 3 * ITEMS as u64 { Ok(()) } else { Err(held) }
    })
    .await;
    assert!(cluster.peer(3).node.counted().0 > 0 && cluster.peer(4).node.counted().0 > 0);
    all_is_read(&cluster, &written).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_leaves_hands_its_items_over_first() {
    let (mut cluster, written) = filled(Cluster::new(4, 4, 2), 4).await;
    cluster.configure(3);
    assert!(cluster.peer(3).observed().under_replicated > 0, "it has not handed over yet");
    cluster.whole().await;
    all_is_read(&cluster, &written).await;
    // With two copies each, none may have been left on the one that goes.
    cluster.destroy(3);
    all_is_read(&cluster, &written).await;
    cluster.configure(4);
    cluster.start(3).await;
    cluster.whole().await;
    all_is_read(&cluster, &written).await;
}
