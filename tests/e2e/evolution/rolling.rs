//! Changes within one shape: the only pod of a store is replaced; peers are added, removed and
//! replaced one by one. No request fails.

use super::observers::{manifest, run_under_load};
use crate::support::Model;

/// Applies the manifest with `settings` in place of `instead`.
async fn apply(model: &Model, shape: &str, instead: &str, settings: &str) {
    let before = manifest(&model.name, shape);
    assert!(before.contains(instead), "{before}");
    model.apply(&before.replace(instead, settings)).await;
}

#[tokio::test]
#[ignore = "needs a cluster: make e2e"]
async fn replacing_the_only_pod_of_a_store_fails_no_request() {
    run_under_load("store-rolls", "ThreeTier", async |model, _| {
        let old = model.pods("data").await;
        let data = "business: {replicas: 2}, data: {resources: {requests: {cpu: 15m}}}";
        apply(model, "ThreeTier", "business: {replicas: 2}", data).await;
        model.await_replaced("data", &old, 1).await;
        model.await_ready().await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: make e2e"]
async fn adding_removing_and_replacing_peers_fails_no_request() {
    const THREE: &str = "peerToPeer: {replicas: 3}";
    run_under_load("peers-roll", "PeerToPeer", async |model, _| {
        apply(model, "PeerToPeer", THREE, "peerToPeer: {replicas: 5}").await;
        model.await_ready().await;
        assert_eq!(model.pods("peers").await.len(), 5);

        apply(model, "PeerToPeer", THREE, THREE).await;
        model.await_ready().await;
        let old = model.pods("peers").await;
        assert_eq!(old.len(), 3);

        let rolled = "peerToPeer: {replicas: 3, resources: {requests: {cpu: 15m}}}";
        apply(model, "PeerToPeer", THREE, rolled).await;
        model.await_replaced("peers", &old, 3).await;
        model.await_ready().await;
    })
    .await;
}
