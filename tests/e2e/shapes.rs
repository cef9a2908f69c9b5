//! Each example works: it becomes Ready, and a write through the entry is read back along the path
//! of the shape. The metrics of every pod follow the rules of Prometheus.

use crate::{
    promtool,
    support::{Model, run},
};
use maquette_contract::{Answer, Outcome, ResponseTree, Role};
use serde_json::json;

/// Writes and reads an item and gets the summary, all through the entry; returns the read.
async fn write_read_and_summary(model: &Model, collection: &str) -> Answer {
    let (written, _) =
        model.write(&model.name, collection, "of-the-test", json!({"colour": "red"})).await;
    let read = model.read_back(&model.name, &written).await;
    let summary =
        model.call_service(&model.name, "GET", "summary", Vec::new()).await.expect("a summary");
    let Outcome::Summary(summary) = summary.outcome else {
        panic!("the summary is {:?}", summary.outcome);
    };
    let collections: Vec<_> =
        summary.collections.keys().map(|collection| collection.as_str()).collect();
    assert!(
        collections.contains(&collection),
        "{collection} is not in the summary: {collections:?}"
    );
    model.await_condition("TrafficFlowing", "True", crate::support::seconds(60)).await;
    model.metrics().await.iter().for_each(|metrics| promtool::assert_clean(metrics));
    read
}

/// The components of a request's path, from the entry to the store or peer that was queried.
fn hops(tree: &ResponseTree) -> Vec<&str> {
    let mut hops = vec![tree.component.as_str()];
    let mut at = tree;
    while let Some(next) = at.calls.first() {
        hops.push(next.component.as_str());
        at = next;
    }
    hops.extend(at.queries.first().map(|query| query.to.as_str()));
    hops
}

#[tokio::test]
#[ignore = "needs a cluster: make e2e"]
async fn client_server_queries_the_store_directly() {
    let manifest = include_str!("../../manifests/examples/client-server.yaml");
    run("client-server", manifest, async |model| {
        let read = write_read_and_summary(model, "items").await;
        assert_eq!(hops(&read.trace), ["web", "data"]);
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: make e2e"]
async fn three_tier_passes_through_business() {
    let manifest = include_str!("../../manifests/examples/three-tier.yaml");
    run("three-tier", manifest, async |model| {
        let read = write_read_and_summary(model, "items").await;
        assert_eq!(hops(&read.trace), ["client", "business", "data"]);
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: make e2e"]
async fn n_tier_calls_the_service_that_owns_the_collection() {
    let manifest = include_str!("../../manifests/examples/n-tier.yaml");
    run("n-tier", manifest, async |model| {
        let read = write_read_and_summary(model, "orders").await;
        assert_eq!(hops(&read.trace), ["client", "storefront", "orders", "orders-data"]);
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: make e2e"]
async fn any_peer_answers_and_queries_other_peers() {
    let manifest = include_str!("../../manifests/examples/peer-to-peer.yaml");
    run("peer-to-peer", manifest, async |model| {
        let read = write_read_and_summary(model, "items").await;
        assert_eq!(read.trace.role, Role::Peer);
        assert!(!read.trace.queries.is_empty(), "no peer was queried: {:?}", read.trace);
        model.await_condition("OverlayConnected", "True", crate::support::seconds(60)).await;
    })
    .await;
}
