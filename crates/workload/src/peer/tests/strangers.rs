//! Peers of another Architecture whose objects have the same names, and so the same addresses.

use super::test_cluster::{TestCluster, read_item, wait_until};
use axum::http::StatusCode;
use maquette_contract::keys::HEADER_RECIPIENT;
use std::time::Duration;
use tokio::time::sleep;

const PEER: (&str, &str) = ("maquette-peer", "shop/peers/shop-peers-0");
const COPIES: &str =
    r#"{"copies":[{"key":"orders/1","record":{"version":"9.0.x","value":"of a stranger"}}]}"#;

#[tokio::test]
async fn a_request_that_is_meant_for_other_peers_is_refused_and_stores_nothing() {
    let cluster = TestCluster::start_all(1, 1).await;
    let to = |named: &'static str| [PEER, (HEADER_RECIPIENT, named)];
    let list = r#"{"after":null,"fence":{"reads":[],"writes":[]}}"#;
    let (status, page) = cluster.post_to_peer(0, "/v2/page", &to("the-uid/peers"), list).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    // A peer of the previous version names no component.
    assert_eq!(cluster.post_to_peer(0, "/v2/page", &[PEER], list).await.0, StatusCode::OK);
    for named in ["another-uid/peers", "the-uid/other", "", "garbled recipient"] {
        let (status, reason) = cluster.post_to_peer(0, "/v2/write", &to(named), COPIES).await;
        assert_eq!(status, StatusCode::MISDIRECTED_REQUEST, "{named}: {reason}");
    }
    let (_, reason) = cluster.post_to_peer(0, "/v2/write", &to("another-uid/peers"), COPIES).await;
    assert!(
        reason.starts_with("belongs to component peers of Architecture shop (UID the-uid)"),
        "{reason}"
    );
    assert_eq!(cluster.count_copies(), 0);
}

#[tokio::test]
async fn peers_ignore_the_gossip_of_a_stranger() {
    let mut cluster = TestCluster::new(3, 3, 3);
    cluster.make_stranger(2);
    for ordinal in 0..3 {
        cluster.start(ordinal).await;
    }
    let live = |cluster: &TestCluster, ordinal| cluster.peer(ordinal).observation().members;
    wait_until("the peers of one Architecture find each other", || async {
        let seen = [live(&cluster, 0), live(&cluster, 1)];
        let expected = ["shop-peers-0", "shop-peers-1"];
        if seen.iter().all(|members| *members == expected) { Ok(()) } else { Err(seen) }
    })
    .await;
    // Gossip is every 50 ms: the stranger's has come by now.
    for _ in 0..20 {
        sleep(Duration::from_millis(50)).await;
        assert_eq!(live(&cluster, 0), ["shop-peers-0", "shop-peers-1"]);
        assert_eq!(live(&cluster, 2), ["shop-peers-2"]);
    }
    let read = read_item(&cluster.peer(2), 1, Duration::from_millis(500)).await;
    assert!(read.is_err(), "{read:?}");
}
