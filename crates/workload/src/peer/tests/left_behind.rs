//! A peer that gossip no longer reaches while the others change their members, over real sockets.

use super::test_cluster::{DEADLINE, TestCluster, key, read_item, wait_until};
use crate::peer::membership::Layout;
use std::{collections::BTreeSet, time::Duration};

/// The owners of an item among the first `members` peers.
fn owners(members: usize, item: usize) -> BTreeSet<usize> {
    let names = (0..members).map(|ordinal| format!("shop-peers-{ordinal}"));
    let layout = Layout::new(names, 3).unwrap();
    let ordinal = |name: &str| name.trim_start_matches("shop-peers-").parse().unwrap();
    layout.owners_of(&key(item)).into_iter().map(ordinal).collect()
}

/// Peer 4 has handed over its items and is cut off. Then peer 3 comes back as a member, and a write
/// reaches the owners 0 and 3 but not 1. Peer 4 reaches only peers that lack it: by the members that
/// it knows, those would be enough.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_was_left_behind_does_not_answer_an_older_version() {
    let is_hidden = |item: &usize| {
        owners(4, *item) == [0, 1, 3].into() && owners(5, *item).is_superset(&[1, 4].into())
    };
    let item = (0..).find(is_hidden).unwrap();
    let mut cluster = TestCluster::start_all(5, 3).await;
    let old = cluster.put(0, item, 1).await;
    cluster.set_member_count(3);
    cluster.wait_until_replicated().await;
    assert_eq!(cluster.get(4, item).await, Some(old));

    cluster.cut_gossip(|from, to| from == 4 || to == 4);
    cluster.set_member_count_of(0..4, 4);
    wait_until("the others have four members", || async {
        let is_settled = |peer: usize| {
            let transition = cluster.peer(peer).peer().transition();
            let target = transition.as_ref().and_then(|it| it.target().cloned());
            transition.is_some_and(|it| it.is_settled())
                && target.is_some_and(|it| it.members().len() == 4)
        };
        let unsettled: Vec<usize> = (0..4).filter(|peer| !is_settled(*peer)).collect();
        if unsettled.is_empty() { Ok(()) } else { Err(unsettled) }
    })
    .await;
    cluster.cut_links(|from, to| to == 1 && [0, 3].contains(&from));
    let new = cluster.put(3, item, 2).await;
    cluster.cut_links(|from, to| {
        to == 1 && [0, 3].contains(&from) || from == 4 && [0, 3].contains(&to)
    });
    let found = read_item(&cluster.peer(4), item, Duration::from_secs(3)).await;
    assert!(found.is_err(), "it knows of no peer with the newest version: {found:?}");
    cluster.cut_links(|from, to| to == 1 && [0, 3].contains(&from));
    assert_eq!(read_item(&cluster.peer(4), item, DEADLINE).await, Ok(Some(new)));
    cluster.cut_links(|_, _| false);
}
