//! Stores: each has its own collections, on disk.

use crate::support::{Acknowledged, run};
use kube::ResourceExt;
use serde_json::json;

#[tokio::test]
#[ignore = "needs a cluster: make e2e"]
async fn each_services_store_holds_its_own_collections_only() {
    let manifest = "
apiVersion: maquette.dev/v1alpha1
kind: Architecture
metadata: {name: own}
spec:
  shape: NTier
  load: {requestsPerSecond: 5}
";
    run("own-kinds", manifest, async |model| {
        let entry = &model.name;
        let (order, _) = model.write(entry, "orders", "mine", json!("an order")).await;
        let (other, _) = model.write(entry, "catalog", "mine", json!("a thing to order")).await;
        model.read_back(entry, &order).await;
        model.read_back(entry, &other).await;
        let orders = model.keys_in(&format!("{}-0", model.child("orders-data"))).await;
        let catalog = model.keys_in(&format!("{}-0", model.child("data"))).await;
        assert!(orders.contains("orders/mine"), "{orders:?}");
        assert!(catalog.contains("catalog/mine"), "{catalog:?}");
        let strange = |key: &&String| !key.starts_with("orders/");
        assert_eq!(orders.iter().find(strange), None, "in the store of orders");
        assert_eq!(catalog.iter().find(|key| key.starts_with("orders/")), None, "in data");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: make e2e"]
async fn every_acknowledged_item_outlives_the_stores_pod() {
    let manifest = "
apiVersion: maquette.dev/v1alpha1
kind: Architecture
metadata: {name: kept}
spec:
  shape: ClientServer
  load: {requestsPerSecond: 20, writePercent: 50}
";
    run("store-killed", manifest, async |model| {
        let mut written = model.write_many("books", 40).await;
        let pods = model.pods("data").await;
        let before = model.load().await;
        model.kill_pod(&pods[0].name_any()).await;
        written.extend(write_while(model, 20).await);
        model.await_replaced("data", &pods, 1).await;
        model.await_ready().await;
        model.read_all_back(&written).await;
        let after = model.await_load(before, 100).await;
        assert_eq!(after.lost_writes, 0, "{after:?}");
    })
    .await;
}

/// Writes while the store may be unavailable; returns the acknowledged writes.
async fn write_while(model: &crate::support::Model, count: usize) -> Vec<Acknowledged> {
    let mut written = Vec::new();
    for n in 0..count {
        let id = format!("meanwhile-{n}");
        match model.try_write(&model.name, "books", &id, json!({ "n": n })).await {
            Ok((acknowledged, _)) => written.push(acknowledged),
            Err(error) => println!("not acknowledged: {error}"),
        }
    }
    written
}
