//! Changes within one shape: the only pod of a store is replaced; peers are added, removed and
//! replaced one by one; pods that cannot start replace none. No request fails.

use super::observers::{manifest, run_under_load};
use crate::support::{Model, eventually, seconds};
use kube::ResourceExt;

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

#[tokio::test]
#[ignore = "needs a cluster: make e2e"]
async fn an_image_typo_fails_no_request_and_the_way_back_is_enough() {
    let stopped = ["business: pod ", "peers: pod "];
    for (shape, stopped) in ["ThreeTier", "PeerToPeer"].into_iter().zip(stopped) {
        let name = format!("typo-{}", shape.to_lowercase());
        run_under_load(&name, shape, async |model, _| {
            let before = all_pods(model).await;
            let typo = "pods: {image: 'ghcr.io/maquette-dev/maquette-workload:0.1.O'}\n  load:";
            apply(model, shape, "load:", typo).await;
            let what = format!("{shape}: the change stops");
            eventually(&what, seconds(120), async || {
                let found = model.condition("Progressing").await?;
                let is_stopped = found.reason == "PodsNotReady"
                    && found.message.contains(stopped)
                    && found.message.contains("maquette-workload:0.1.O cannot be pulled");
                if is_stopped { Ok(()) } else { Err(found.message) }
            })
            .await;
            apply(model, shape, "load:", "load:").await;
            model.await_ready().await;
            let what = format!("{shape}: the pods are those from before");
            eventually(&what, seconds(60), async || {
                let now = all_pods(model).await;
                if now == before { Ok(()) } else { Err(format!("{now:?} and not {before:?}")) }
            })
            .await;
        })
        .await;
    }
}

/// The UIDs of the pods of all components.
async fn all_pods(model: &Model) -> Vec<Option<String>> {
    let mut uids = vec![];
    for component in ["client", "business", "data", "peers", "load"] {
        uids.extend(model.pods(component).await.iter().map(ResourceExt::uid));
    }
    uids
}
