//! `Ready` is true only while the whole works. The pods are played, see [`Kubelet`].

use crate::support::{Kubelet, Operator, Space, eventually, seconds, soon};
use k8s_openapi::api::core::v1::Pod;
use kube::{ResourceExt, api::ListParams};
use maquette::api::{Architecture, EdgeState};
use maquette_contract::{
    ComponentConfig,
    keys::{ANNOTATION_CONFIG_REVISION, CONFIG_FILE},
};

#[tokio::test]
async fn ready_once_every_pod_is_and_every_edge_works() {
    let space = Space::new("ready").await;
    let kubelet = Kubelet::start(&space);
    kubelet.now().down.insert("business".to_owned());
    let _operator = Operator::start(&space.name);
    space.apply("shop", "{shape: ThreeTier}").await;
    let not = |reason: &'static str| {
        move |c: &crate::support::Condition| c.status != "True" && c.reason == reason
    };
    let ready = space.condition("shop", "Ready", soon(), |c| {
        c.message.starts_with("business: ") && c.reason == "ComponentsNotReady"
    });
    assert_eq!(ready.await.status, "False");
    kubelet.now().down.clear();
    space.condition("shop", "Ready", soon(), |c| c.status == "True").await;
    space.condition("shop", "Progressing", soon(), |c| c.reason == "UpToDate").await;
    space.condition("shop", "TrafficFlowing", soon(), |c| c.status == "True").await;
    let status =
        space.api::<Architecture>().get("shop").await.expect("there").status.expect("told");
    assert_eq!(status.components_ready.as_deref(), Some("4/4"));
    assert!(status.edges.iter().all(|edge| edge.state == EdgeState::Flowing), "{:?}", status.edges);
    assert!(
        status.components.iter().all(|component| component.message.is_none()),
        "{:?}",
        status.components
    );

    // An edge fails, though every pod is ready.
    kubelet.now().failing.insert(("business".to_owned(), "data".to_owned()));
    let ready = space.condition("shop", "Ready", seconds(30), not("EdgesFailing")).await;
    assert!(ready.message.contains("business -> data"), "{}", ready.message);
    kubelet.now().failing.clear();
    space.condition("shop", "Ready", soon(), |c| c.status == "True").await;

    // Requests of users fail, though every probe works.
    kubelet.now().failed_requests = 1;
    space.condition("shop", "Ready", seconds(30), |c| c.status == "False").await;
    space.condition("shop", "TrafficFlowing", soon(), not("RequestsFailing")).await;
    kubelet.now().failed_requests = 0;
    space.condition("shop", "Ready", soon(), |c| c.status == "True").await;

    // A component goes down: its name is told.
    kubelet.now().down.insert("data".to_owned());
    let ready = space.condition("shop", "Ready", seconds(30), not("ComponentsNotReady")).await;
    assert!(ready.message.starts_with("data: "), "{}", ready.message);
    kubelet.now().down.clear();
    space.condition("shop", "Ready", soon(), |c| c.status == "True").await;
}

#[tokio::test]
async fn not_ready_while_nobody_reports() {
    let space = Space::new("silent").await;
    let kubelet = Kubelet::start(&space);
    let _operator = Operator::start(&space.name);
    space.apply("shop", "{shape: ThreeTier}").await;
    space.condition("shop", "Ready", soon(), |c| c.status == "True").await;
    kubelet.now().not_reporting.insert("business".to_owned());
    // A report counts for 30 s.
    let ready = space.condition("shop", "Ready", seconds(60), |c| c.status != "True").await;
    assert!(ready.message.contains("business"), "{}", ready.message);
    let status =
        space.api::<Architecture>().get("shop").await.expect("there").status.expect("told");
    let edge = status.edges.iter().find(|edge| edge.from == "business").expect("an edge");
    assert_eq!(edge.state, EdgeState::Unknown);
    kubelet.now().not_reporting.clear();
    space.condition("shop", "Ready", soon(), |c| c.status == "True").await;
}

#[tokio::test]
async fn peers_that_do_not_see_each_other_are_told() {
    let space = Space::new("overlay").await;
    let kubelet = Kubelet::start(&space);
    let _operator = Operator::start(&space.name);
    space.apply("net", "{shape: PeerToPeer, peerToPeer: {replicas: 3}}").await;
    space.condition("net", "Ready", soon(), |c| c.status == "True").await;
    let overlay = space.condition("net", "OverlayConnected", soon(), |c| c.status == "True");
    assert_eq!(overlay.await.reason, "AllPeersSeen");
    kubelet.now().unseen.insert("net-peers-1".to_owned());
    let ready = space.condition("net", "Ready", seconds(30), |c| c.status == "False").await;
    assert_eq!(ready.reason, "PeersMissing");
    assert!(ready.message.contains("net-peers-1"), "{}", ready.message);
    kubelet.now().unseen.clear();
    space.condition("net", "Ready", soon(), |c| c.status == "True").await;
}

#[tokio::test]
async fn a_new_configuration_reaches_pods_at_once_and_restarts_none() {
    let space = Space::new("nudged").await;
    let _kubelet = Kubelet::start(&space);
    let _operator = Operator::start(&space.name);
    space.apply("shop", "{shape: ThreeTier, load: {requestsPerSecond: 5}}").await;
    space.condition("shop", "Ready", soon(), |c| c.status == "True").await;
    let pods = async || -> Vec<Pod> {
        let list = space.api::<Pod>().list(&ListParams::default()).await.expect("a list");
        list.items
    };
    let before: Vec<_> = pods().await.iter().map(|pod| pod.uid()).collect();
    space.apply("shop", "{shape: ThreeTier, load: {requestsPerSecond: 6}}").await;
    space.condition("shop", "Ready", soon(), |c| c.status == "True").await;
    let after = pods().await;
    assert_eq!(before, after.iter().map(|pod| pod.uid()).collect::<Vec<_>>());
    let load = after.iter().find(|pod| pod.name_any().starts_with("shop-load")).expect("a load");
    let config_maps = space.api::<k8s_openapi::api::core::v1::ConfigMap>();
    let config = config_maps.get("shop-load").await.expect("there").data.expect("data");
    let revision = ComponentConfig::revision_of(&config[CONFIG_FILE]);
    assert_eq!(
        load.annotations().get(ANNOTATION_CONFIG_REVISION).map(String::as_str),
        Some(revision.as_str())
    );
}

#[tokio::test]
async fn what_keeps_a_pod_from_starting_is_told() {
    let space = Space::new("why").await;
    let _operator = Operator::start(&space.name);
    space.apply("shop", "{shape: ThreeTier}").await;
    space.await_children("shop").await;
    let message = "0/3 nodes are available: 3 Insufficient memory.";
    let pod = "shop-data-0";
    space.set_pod_condition(pod, "PodScheduled", "False", message).await;
    let ready = space.condition("shop", "Ready", soon(), |c| c.message.contains(message)).await;
    assert!(ready.message.contains(pod), "{}", ready.message);
    eventually("the component's line says it too", soon(), async || {
        let found = space.api::<Architecture>().get("shop").await.map_err(|e| e.to_string())?;
        let components = found.status.map(|status| status.components).unwrap_or_default();
        let data = components
            .into_iter()
            .find(|component| component.name == "data")
            .ok_or("no component")?;
        let said = data.message.unwrap_or_default();
        if said.contains(message) { Ok(()) } else { Err(said) }
    })
    .await;
}
