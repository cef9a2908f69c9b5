//! `Ready` is true only while the whole works. A [`FakeKubelet`] reports for the pods.

use crate::support::{FakeKubelet, Operator, TestNamespace, eventually, seconds, soon};
use k8s_openapi::api::core::v1::Pod;
use kube::{ResourceExt, api::ListParams};
use maquette::api::{Architecture, EdgeState};
use maquette_contract::{
    ComponentConfig,
    keys::{ANNOTATION_CONFIG_REVISION, CONFIG_FILE, LABEL_COMPONENT},
};

#[tokio::test]
async fn ready_needs_every_pod_and_every_edge() {
    let namespace = TestNamespace::new("ready").await;
    let kubelet = FakeKubelet::start(&namespace);
    kubelet.behavior().down.insert("business".to_owned());
    let _operator = Operator::start(&namespace.name);
    namespace.apply("shop", "{shape: ThreeTier}").await;
    let not = |reason: &'static str| {
        move |c: &crate::support::Condition| c.status != "True" && c.reason == reason
    };
    let ready = namespace.await_condition("shop", "Ready", soon(), |c| {
        c.message.starts_with("business: ") && c.reason == "ComponentsNotReady"
    });
    assert_eq!(ready.await.status, "False");
    kubelet.behavior().down.clear();
    namespace.await_condition("shop", "Ready", soon(), |c| c.status == "True").await;
    namespace.await_condition("shop", "Progressing", soon(), |c| c.reason == "UpToDate").await;
    namespace.await_condition("shop", "TrafficFlowing", soon(), |c| c.status == "True").await;
    let status =
        namespace.api::<Architecture>().get("shop").await.expect("there").status.expect("a status");
    assert_eq!(status.components_ready.as_deref(), Some("4/4"));
    assert!(status.edges.iter().all(|edge| edge.state == EdgeState::Flowing), "{:?}", status.edges);
    assert!(
        status.components.iter().all(|component| component.message.is_none()),
        "{:?}",
        status.components
    );

    // An edge fails while every pod is ready.
    kubelet.behavior().failing.insert(("business".to_owned(), "data".to_owned()));
    let ready = namespace.await_condition("shop", "Ready", seconds(30), not("EdgesFailing")).await;
    assert!(ready.message.contains("business -> data"), "{}", ready.message);
    kubelet.behavior().failing.clear();
    namespace.await_condition("shop", "Ready", soon(), |c| c.status == "True").await;

    // Requests of users fail while every probe works.
    kubelet.behavior().failed_requests = 1;
    namespace.await_condition("shop", "Ready", seconds(30), |c| c.status == "False").await;
    namespace.await_condition("shop", "TrafficFlowing", soon(), not("RequestsFailing")).await;
    kubelet.behavior().failed_requests = 0;
    namespace.await_condition("shop", "Ready", soon(), |c| c.status == "True").await;

    // A component goes down: the message names it.
    kubelet.behavior().down.insert("data".to_owned());
    let ready =
        namespace.await_condition("shop", "Ready", seconds(30), not("ComponentsNotReady")).await;
    assert!(ready.message.starts_with("data: "), "{}", ready.message);
    kubelet.behavior().down.clear();
    namespace.await_condition("shop", "Ready", soon(), |c| c.status == "True").await;
}

#[tokio::test]
async fn not_ready_without_reports() {
    let namespace = TestNamespace::new("silent").await;
    let kubelet = FakeKubelet::start(&namespace);
    let _operator = Operator::start(&namespace.name);
    namespace.apply("shop", "{shape: ThreeTier}").await;
    namespace.await_condition("shop", "Ready", soon(), |c| c.status == "True").await;
    kubelet.behavior().not_reporting.insert("business".to_owned());
    // A report counts for 30 s.
    let ready =
        namespace.await_condition("shop", "Ready", seconds(60), |c| c.status != "True").await;
    assert!(ready.message.contains("business"), "{}", ready.message);
    let status =
        namespace.api::<Architecture>().get("shop").await.expect("there").status.expect("a status");
    let edge = status.edges.iter().find(|edge| edge.from == "business").expect("an edge");
    assert_eq!(edge.state, EdgeState::Unknown);
    kubelet.behavior().not_reporting.clear();
    namespace.await_condition("shop", "Ready", soon(), |c| c.status == "True").await;
}

#[tokio::test]
async fn peers_that_do_not_see_each_other_are_reported() {
    let namespace = TestNamespace::new("overlay").await;
    let kubelet = FakeKubelet::start(&namespace);
    let _operator = Operator::start(&namespace.name);
    namespace.apply("net", "{shape: PeerToPeer, peerToPeer: {replicas: 3}}").await;
    namespace.await_condition("net", "Ready", soon(), |c| c.status == "True").await;
    let overlay =
        namespace.await_condition("net", "OverlayConnected", soon(), |c| c.status == "True");
    assert_eq!(overlay.await.reason, "AllPeersSeen");
    kubelet.behavior().unseen.insert("net-peers-1".to_owned());
    let ready =
        namespace.await_condition("net", "Ready", seconds(30), |c| c.status == "False").await;
    assert_eq!(ready.reason, "PeersMissing");
    assert!(ready.message.contains("net-peers-1"), "{}", ready.message);
    kubelet.behavior().unseen.clear();
    namespace.await_condition("net", "Ready", soon(), |c| c.status == "True").await;
}

#[tokio::test]
async fn a_new_configuration_reaches_pods_without_a_restart() {
    let namespace = TestNamespace::new("nudged").await;
    let _kubelet = FakeKubelet::start(&namespace);
    let _operator = Operator::start(&namespace.name);
    namespace.apply("shop", "{shape: ThreeTier, load: {requestsPerSecond: 5}}").await;
    namespace.await_condition("shop", "Ready", soon(), |c| c.status == "True").await;
    let pods = async || -> Vec<Pod> {
        let list = namespace.api::<Pod>().list(&ListParams::default()).await.expect("a list");
        list.items
    };
    let before: Vec<_> = pods().await.iter().map(|pod| pod.uid()).collect();
    namespace.apply("shop", "{shape: ThreeTier, load: {requestsPerSecond: 6}}").await;
    namespace.await_condition("shop", "Ready", soon(), |c| c.status == "True").await;
    let after = pods().await;
    assert_eq!(before, after.iter().map(|pod| pod.uid()).collect::<Vec<_>>());
    let load = after.iter().find(|pod| pod.name_any().starts_with("shop-load")).expect("a load");
    let config_maps = namespace.api::<k8s_openapi::api::core::v1::ConfigMap>();
    let config = config_maps.get("shop-load").await.expect("there").data.expect("data");
    let revision = ComponentConfig::revision_of(&config[CONFIG_FILE]);
    assert_eq!(
        load.annotations().get(ANNOTATION_CONFIG_REVISION).map(String::as_str),
        Some(revision.as_str())
    );
}

#[tokio::test]
async fn the_reason_of_a_pending_pod_is_reported() {
    let namespace = TestNamespace::new("why").await;
    let _operator = Operator::start(&namespace.name);
    namespace.apply("shop", "{shape: ThreeTier}").await;
    namespace.await_children("shop").await;
    let message = "0/3 nodes are available: 3 Insufficient memory.";
    let pod = "shop-data-0";
    namespace.set_pod_condition(pod, "PodScheduled", "False", message).await;
    let ready =
        namespace.await_condition("shop", "Ready", soon(), |c| c.message.contains(message)).await;
    assert!(ready.message.contains(pod), "{}", ready.message);
    eventually("the component's message shows it", soon(), async || {
        let found = namespace.api::<Architecture>().get("shop").await.map_err(|e| e.to_string())?;
        let components = found.status.map(|status| status.components).unwrap_or_default();
        let data = components
            .into_iter()
            .find(|component| component.name == "data")
            .ok_or("no component")?;
        let shown = data.message.unwrap_or_default();
        if shown.contains(message) { Ok(()) } else { Err(shown) }
    })
    .await;
}

#[tokio::test]
async fn every_pod_counts_while_the_model_is_ready() {
    let namespace = TestNamespace::new("all-pods").await;
    let kubelet = FakeKubelet::start(&namespace);
    let operator = Operator::start(&namespace.name);
    let spec = "{shape: ThreeTier, threeTier: {client: {replicas: 5}, business: {replicas: 5}}}";
    namespace.apply("shop", spec).await;
    namespace.await_condition("shop", "Ready", soon(), |c| c.status == "True").await;
    // All clients are in every round, as they are the entry; the others take turns.
    for (component, limit) in [("client", seconds(25)), ("business", seconds(75))] {
        let cut_off = last_pods_of(&namespace, component, 2).await;
        kubelet.behavior().cut_off.extend(cut_off.iter().cloned());
        let ready =
            namespace.await_condition("shop", "Ready", limit, |c| c.reason == "EdgesFailing").await;
        assert!(cut_off.iter().any(|pod| ready.message.contains(pod)), "{}", ready.message);
        kubelet.behavior().cut_off.clear();
        namespace.await_condition("shop", "Ready", soon(), |c| c.status == "True").await;
    }
    let metrics = operator.metrics().await;
    for line in [
        "maquette_report_polls_total{result=\"success\"} ",
        "maquette_report_polls_total{result=\"error\"} ",
        "maquette_report_polls_total{result=\"timeout\"} ",
        "maquette_report_poll_duration_seconds_bucket{le=\"0.1\"} ",
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
}

/// The names of the last `count` pods of a component, by name.
async fn last_pods_of(namespace: &TestNamespace, component: &str, count: usize) -> Vec<String> {
    let labels = format!("{LABEL_COMPONENT}={component}");
    let params = ListParams::default().labels(&labels);
    let pods = namespace.api::<Pod>().list(&params).await.expect("a list");
    let mut names: Vec<_> = pods.iter().map(ResourceExt::name_any).collect();
    names.sort();
    names.split_off(names.len() - count)
}

#[tokio::test]
async fn the_report_of_another_pod_is_refused() {
    let namespace = TestNamespace::new("stranger").await;
    let kubelet = FakeKubelet::start(&namespace);
    let _operator = Operator::start(&namespace.name);
    kubelet.behavior().replaced.insert("shop-data-0".to_owned());
    namespace.apply("shop", "{shape: ThreeTier}").await;
    let part = "answers with the report of pod blog-web-0 of component data";
    let ready =
        namespace.await_condition("shop", "Ready", soon(), |c| c.message.contains(part)).await;
    assert!(ready.message.starts_with("data: pod shop-data-0 does not report: "), "{ready:?}");
    kubelet.behavior().replaced.clear();
    namespace.await_condition("shop", "Ready", soon(), |c| c.status == "True").await;
}
