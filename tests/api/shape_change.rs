//! What runs is led to what is wanted without losing anything. The pods are played.

use crate::{
    apply::all_as_rendered,
    support::{Kubelet, Operator, Space, eventually, soon},
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
async fn the_old_shape_serves_until_the_new_one_can() {
    let space = Space::new("reshape").await;
    let kubelet = Kubelet::start(&space);
    let _operator = Operator::start(&space.name);
    space.apply("shop", "{shape: ThreeTier}").await;
    space.condition("shop", "Ready", soon(), |c| c.status == "True").await;
    kubelet.now().down.insert("peers".to_owned());
    space.apply("shop", "{shape: PeerToPeer, peerToPeer: {replicas: 3}}").await;
    let waits = space.condition("shop", "Progressing", soon(), |c| c.message.contains("peers"));
    assert_eq!(waits.await.status, "True");
    eventually("the peers are made", soon(), async || {
        space.api::<StatefulSet>().get("shop-peers").await.map_err(|error| error.to_string())
    })
    .await;
    // The old components are all there, and the entry leads to them.
    for name in ["shop-client", "shop-business"] {
        space.api::<Deployment>().get(name).await.expect("it stays");
    }
    space.api::<StatefulSet>().get("shop-data").await.expect("it stays");
    assert_eq!(entry_component(&space).await, "client");
    let status =
        space.api::<Architecture>().get("shop").await.expect("there").status.expect("told");
    assert_eq!(status.shape, Some(Shape::ThreeTier));
    space.condition("shop", "Ready", soon(), |c| c.status != "True").await;

    kubelet.now().down.clear();
    space.condition("shop", "Ready", soon(), |c| c.status == "True").await;
    all_as_rendered(&space, "shop").await;
    assert_eq!(entry_component(&space).await, "peers");
    let names: Vec<_> = space.children("shop").await.into_keys().collect();
    assert!(
        !names.iter().any(|name| name.contains("data") || name.contains("client")),
        "{names:?}"
    );
    let status =
        space.api::<Architecture>().get("shop").await.expect("there").status.expect("told");
    assert_eq!(status.shape, Some(Shape::PeerToPeer));
    // The store's volume is kept, and named.
    let volumes: Vec<_> = status.volumes.iter().map(|v| (v.name.as_str(), v.state)).collect();
    assert_eq!(volumes, [("data-shop-data-0", VolumeState::Retained)]);
    let claims = space.api::<PersistentVolumeClaim>();
    let kept = claims.get("data-shop-data-0").await.expect("it is kept");
    assert_eq!(kept.metadata.deletion_timestamp, None);
}

#[tokio::test]
async fn a_volume_that_is_to_go_with_its_component_goes() {
    let space = Space::new("drop").await;
    let _kubelet = Kubelet::start(&space);
    let _operator = Operator::start(&space.name);
    let spec = |shape| format!("{{shape: {shape}, retention: {{whenDropped: Delete}}}}");
    space.apply("shop", &spec("ThreeTier")).await;
    space.condition("shop", "Ready", soon(), |c| c.status == "True").await;
    space.apply("shop", &spec("PeerToPeer")).await;
    space.condition("shop", "Ready", soon(), |c| c.status == "True").await;
    eventually("the volume is gone", soon(), async || {
        let claims = space.api::<PersistentVolumeClaim>();
        let found = claims.get_opt("data-shop-data-0").await.map_err(|error| error.to_string())?;
        found.map_or(Ok(()), |_| Err("it is there".to_owned()))
    })
    .await;
    eventually("the status says so", soon(), async || {
        let found = space.api::<Architecture>().get("shop").await.map_err(|e| e.to_string())?;
        let volumes = found.status.map(|status| status.volumes).unwrap_or_default();
        if volumes.is_empty() { Ok(()) } else { Err(format!("{volumes:?}")) }
    })
    .await;
}

#[tokio::test]
async fn peers_leave_one_at_a_time_and_only_when_their_items_are_copied() {
    let space = Space::new("shrink").await;
    let kubelet = Kubelet::start(&space);
    let _operator = Operator::start(&space.name);
    space.apply("net", "{shape: PeerToPeer, peerToPeer: {replicas: 5}}").await;
    space.condition("net", "Ready", soon(), |c| c.status == "True").await;
    kubelet.now().copying.insert("net-peers-4".to_owned());
    space.apply("net", "{shape: PeerToPeer, peerToPeer: {replicas: 3}}").await;
    let waits = space.condition("net", "Progressing", soon(), |c| {
        c.message.contains("net-peers-4 still copies items")
    });
    waits.await;
    // They are told, and stay.
    assert_eq!(members(&space).await, 3);
    assert_eq!(replicas(&space).await, 5);
    kubelet.now().copying.clear();
    kubelet.now().copying.insert("net-peers-1".to_owned());
    space.condition("net", "Progressing", soon(), |c| c.message.contains("net-peers-1")).await;
    assert_eq!(replicas(&space).await, 5, "one that stays is still copying");
    kubelet.now().copying.clear();
    space.condition("net", "Ready", soon(), |c| c.status == "True").await;
    assert_eq!(replicas(&space).await, 3);
    let status = space.api::<Architecture>().get("net").await.expect("there").status.expect("told");
    let volumes: Vec<_> = status.volumes.iter().map(|volume| volume.name.as_str()).collect();
    assert_eq!(volumes, ["data-net-peers-3", "data-net-peers-4"]);
}

async fn entry_component(space: &Space) -> String {
    let service = space.api::<Service>().get("shop").await.expect("the entry");
    let selector = service.spec.and_then(|spec| spec.selector).expect("a selector");
    selector[LABEL_COMPONENT].clone()
}

async fn replicas(space: &Space) -> i32 {
    let set = space.api::<StatefulSet>().get("net-peers").await.expect("the peers");
    set.spec.and_then(|spec| spec.replicas).expect("a number")
}

async fn members(space: &Space) -> usize {
    let config =
        space.api::<ConfigMap>().get("net-peers").await.expect("there").data.expect("data");
    match ComponentConfig::from_json(&config[CONFIG_FILE]).expect("a configuration").role {
        RoleConfig::Peer(peer) => peer.members.len(),
        other => panic!("no peer: {other:?}"),
    }
}
