//! Peers that forward users' requests to a successor, and then no longer.

use super::pods::{Pod, component, peer_config, start_peers, without_requests};
use axum::http::{Method, StatusCode};
use maquette_contract::{
    CallMode, Hop, Observations, Probe, Record, RequestWork, RoleConfig, Routes, ServiceConfig,
    StoreConfig, StoreTarget, Successor,
};

/// A service that owns every collection, and its store.
async fn service_with_store() -> (Pod, Pod) {
    let (mut store, mut web) = (Pod::new("data", 0), Pod::new("web", 0));
    store.configure(RoleConfig::Store(StoreConfig {}));
    web.configure(RoleConfig::Service(ServiceConfig {
        work: RequestWork::default(),
        mode: CallMode::Sequential,
        calls: vec![],
        store: Some(StoreTarget { component: component("data"), address: store.store() }),
        routes: Routes { rest: Some(Hop::Own), ..Routes::default() },
        migration_sources: vec![],
    }));
    store.start();
    web.start();
    store.wait_until_ready().await;
    web.wait_until_ready().await;
    (store, web)
}

fn edge_works(report: &Observations, to: &str) -> bool {
    let mut edges = report.edges.iter();
    edges.any(|edge| edge.to == component(to) && edge.probe == Probe::Works)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_reach_the_successor_and_the_peers_again_without_a_restart() {
    let (_store, web) = service_with_store().await;
    let pods = start_peers(3, |_| {}).await;
    let from_peers = pods[0].put("orders/1", 1).await;
    let from_successor = web.put("orders/1", 2).await;

    let mut config = peer_config(&pods);
    config.successor = Some(Successor { component: component("web"), address: web.traffic() });
    for pod in &pods {
        pod.configure(RoleConfig::Peer(config.clone()));
    }
    for pod in &pods {
        let both = |report: &Observations| edge_works(report, "peers") && edge_works(report, "web");
        pod.wait_for_report("both edges work", both).await;
        assert_eq!(pod.read("orders/1").await.as_ref(), Some(&from_successor));
        let trace = pod.get("/summary").await.trace;
        let calls: Vec<_> = trace.calls.iter().map(|call| (&call.component, &*call.pod)).collect();
        assert_eq!(calls, [(&component("web"), "shop-web-0")], "the trace shows the hop");
        assert!(trace.queries.is_empty(), "no peer was queried: {trace:?}");
        let internal = pod.send_internal(Method::GET, "/internal/items/orders/1", "").await;
        let internal: Record = serde_json::from_slice(&internal.body).unwrap();
        assert_eq!(
            without_requests(internal),
            from_peers,
            "the internal API still serves the peers' items"
        );
        let none = pod.send_internal(Method::GET, "/internal/items/orders/2", "").await;
        assert_eq!(none.status, StatusCode::NOT_FOUND);
    }
    let written = pods[2].put("orders/2", 3).await;
    assert_eq!(web.read("orders/2").await.as_ref(), Some(&written));
    let report = pods[2].observe().await.unwrap();
    let edge = report.edges.iter().find(|edge| edge.to == component("web")).unwrap();
    assert!(edge.traffic.requests >= 3, "{edge:?}");

    for pod in &pods {
        pod.configure(RoleConfig::Peer(peer_config(&pods)));
    }
    for pod in &pods {
        pod.wait_for_report("only their own edge is left", |report| report.edges.len() == 1).await;
        assert_eq!(pod.read("orders/1").await.as_ref(), Some(&from_peers));
        assert_eq!(pod.read("orders/2").await, None);
    }
}
