//! Changes of the shape: the running model reaches the new one without losing data. A fake kubelet
//! reports for the pods.

use crate::{
    apply::await_rendered,
    support::{FakeKubelet, Operator, TestNamespace, eventually, soon},
};
use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    core::v1::{ConfigMap, PersistentVolumeClaim, Service},
};
use maquette::api::{Architecture, Shape, VolumeState};
use maquette_contract::{
    ComponentConfig, RoleConfig,
    keys::{CONFIG_FILE, LABEL_COMPONENT},
};

#[tokio::test]
async fn the_old_shape_serves_until_the_new_one_is_ready() {
    let namespace = TestNamespace::new("reshape").await;
    let kubelet = FakeKubelet::start(&namespace);
    let _operator = Operator::start(&namespace.name);
    namespace.apply("shop", "{shape: ThreeTier}").await;
    namespace.await_condition("shop", "Ready", soon(), |c| c.status == "True").await;
    kubelet.behavior().down.insert("peers".to_owned());
    namespace.apply("shop", "{shape: PeerToPeer, peerToPeer: {replicas: 3}}").await;
    let waits =
        namespace.await_condition("shop", "Progressing", soon(), |c| c.message.contains("peers"));
    assert_eq!(waits.await.status, "True");
    eventually("the peers are created", soon(), async || {
        namespace.api::<StatefulSet>().get("shop-peers").await.map_err(|error| error.to_string())
    })
    .await;
    // All old components are left, and the entry leads to them.
    for name in ["shop-client", "shop-business"] {
        namespace.api::<Deployment>().get(name).await.expect("it stays");
    }
    namespace.api::<StatefulSet>().get("shop-data").await.expect("it stays");
    assert_eq!(entry_component(&namespace).await, "client");
    let status =
        namespace.api::<Architecture>().get("shop").await.expect("there").status.expect("a status");
    assert_eq!(status.shape, Some(Shape::ThreeTier));
    namespace.await_condition("shop", "Ready", soon(), |c| c.status != "True").await;

    kubelet.behavior().down.clear();
    namespace.await_condition("shop", "Ready", soon(), |c| c.status == "True").await;
    await_rendered(&namespace, "shop").await;
    assert_eq!(entry_component(&namespace).await, "peers");
    let names: Vec<_> = namespace.children("shop").await.into_keys().collect();
    assert!(
        !names.iter().any(|name| name.contains("data") || name.contains("client")),
        "{names:?}"
    );
    let status =
        namespace.api::<Architecture>().get("shop").await.expect("there").status.expect("a status");
    assert_eq!(status.shape, Some(Shape::PeerToPeer));
    // The store's volume is retained, and the status names it.
    let volumes: Vec<_> = status.volumes.iter().map(|v| (v.name.as_str(), v.state)).collect();
    assert_eq!(volumes, [("data-shop-data-0", VolumeState::Retained)]);
    let claims = namespace.api::<PersistentVolumeClaim>();
    let kept = claims.get("data-shop-data-0").await.expect("it is kept");
    assert_eq!(kept.metadata.deletion_timestamp, None);
}

#[tokio::test]
async fn a_volume_is_deleted_with_its_component_where_specified() {
    let namespace = TestNamespace::new("drop").await;
    let _kubelet = FakeKubelet::start(&namespace);
    let _operator = Operator::start(&namespace.name);
    let spec = |shape| format!("{{shape: {shape}, retention: {{whenDropped: Delete}}}}");
    namespace.apply("shop", &spec("ThreeTier")).await;
    namespace.await_condition("shop", "Ready", soon(), |c| c.status == "True").await;
    namespace.apply("shop", &spec("PeerToPeer")).await;
    namespace.await_condition("shop", "Ready", soon(), |c| c.status == "True").await;
    eventually("the volume is gone", soon(), async || {
        let claims = namespace.api::<PersistentVolumeClaim>();
        let found = claims.get_opt("data-shop-data-0").await.map_err(|error| error.to_string())?;
        found.map_or(Ok(()), |_| Err("it is there".to_owned()))
    })
    .await;
    eventually("the status says so", soon(), async || {
        let found = namespace.api::<Architecture>().get("shop").await.map_err(|e| e.to_string())?;
        let volumes = found.status.map(|status| status.volumes).unwrap_or_default();
        if volumes.is_empty() { Ok(()) } else { Err(format!("{volumes:?}")) }
    })
    .await;
}

#[tokio::test]
async fn peers_leave_one_by_one_after_their_items_are_copied() {
    let namespace = TestNamespace::new("shrink").await;
    let kubelet = FakeKubelet::start(&namespace);
    let _operator = Operator::start(&namespace.name);
    namespace.apply("net", "{shape: PeerToPeer, peerToPeer: {replicas: 5}}").await;
    namespace.await_condition("net", "Ready", soon(), |c| c.status == "True").await;
    kubelet.behavior().copying.insert("net-peers-4".to_owned());
    namespace.apply("net", "{shape: PeerToPeer, peerToPeer: {replicas: 3}}").await;
    let waits = namespace.await_condition("net", "Progressing", soon(), |c| {
        c.message.contains("net-peers-4 still copies items")
    });
    waits.await;
    // The configuration names three members; all five pods stay.
    assert_eq!(members(&namespace).await, 3);
    assert_eq!(replicas(&namespace).await, 5);
    kubelet.behavior().copying.clear();
    kubelet.behavior().copying.insert("net-peers-1".to_owned());
    namespace
        .await_condition("net", "Progressing", soon(), |c| c.message.contains("net-peers-1"))
        .await;
    assert_eq!(replicas(&namespace).await, 5, "one that stays is still copying");
    kubelet.behavior().copying.clear();
    namespace.await_condition("net", "Ready", soon(), |c| c.status == "True").await;
    assert_eq!(replicas(&namespace).await, 3);
    let status =
        namespace.api::<Architecture>().get("net").await.expect("there").status.expect("a status");
    let volumes: Vec<_> = status.volumes.iter().map(|volume| volume.name.as_str()).collect();
    assert_eq!(volumes, ["data-net-peers-3", "data-net-peers-4"]);
}

async fn entry_component(namespace: &TestNamespace) -> String {
    let service = namespace.api::<Service>().get("shop").await.expect("the entry");
    let selector = service.spec.and_then(|spec| spec.selector).expect("a selector");
    selector[LABEL_COMPONENT].clone()
}

async fn replicas(namespace: &TestNamespace) -> i32 {
    let set = namespace.api::<StatefulSet>().get("net-peers").await.expect("the peers");
    set.spec.and_then(|spec| spec.replicas).expect("a number")
}

async fn members(namespace: &TestNamespace) -> usize {
    let config =
        namespace.api::<ConfigMap>().get("net-peers").await.expect("there").data.expect("data");
    match ComponentConfig::from_json(&config[CONFIG_FILE]).expect("a configuration").role {
        RoleConfig::Peer(peer) => peer.members.len(),
        other => panic!("no peer: {other:?}"),
    }
}
