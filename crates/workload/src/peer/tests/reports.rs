//! What peers report to the operator and to probes is true while peers are down, volumes are replaced
//! and members are removed.

use super::{
    pods::{Pod, peer_config, start_peers},
    test_cluster::wait_until,
};
use axum::http::StatusCode;
use maquette_contract::{Observations, Probe, RoleConfig};

const ITEMS: u64 = 30;

/// The ordinals of the members that are up, the under-replicated items, and the failure of the edge.
fn summarize(report: &Observations) -> (Vec<String>, u64, Option<String>) {
    let peer = report.peer.clone().unwrap();
    let up = peer.members.iter().map(|name| name.trim_start_matches("shop-peers-").to_owned());
    let failure = match &report.edges[0].probe {
        Probe::Fails { message } => Some(message.clone()),
        Probe::Works => None,
        Probe::Pending => Some("no probe yet".to_owned()),
    };
    (up.collect(), peer.under_replicated, failure)
}

async fn wait_for(pod: &Pod, up: &[&str], holds: impl Fn(u64, Option<&str>) -> bool) {
    pod.wait_for_report(&format!("{up:?} are up"), |report| {
        let (members, under_replicated, failure) = summarize(report);
        members == up && holds(under_replicated, failure.as_deref())
    })
    .await;
}

async fn wait_until_unready(pod: &Pod, reason: &str) {
    wait_until(reason, || async {
        let (status, text) = pod.readiness().await;
        let is_told = status == StatusCode::SERVICE_UNAVAILABLE && text.contains(reason);
        if is_told { Ok(()) } else { Err((status, text)) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_are_true_while_peers_are_down_and_volumes_are_replaced() {
    let mut pods = start_peers(5, |_| {}).await;
    for item in 0..ITEMS {
        pods[0].put(&format!("orders/{item}"), item).await;
    }
    let all = ["0", "1", "2", "3", "4"];
    wait_for(&pods[0], &all, |lacking, failure| lacking == 0 && failure.is_none()).await;
    pods[3].kill();
    pods[4].kill();
    wait_for(&pods[0], &all[..3], |lacking, failure| lacking > 0 && failure.is_none()).await;
    assert_eq!(pods[0].readiness().await.0, StatusCode::OK);
    pods[2].kill();
    let too_few = |lacking, failure: Option<&str>| {
        lacking > 0 && failure.is_some_and(|it| it.contains("2 of 5 members reached"))
    };
    wait_for(&pods[1], &all[..2], too_few).await;
    pods[2..].iter_mut().for_each(Pod::start);
    for pod in &pods {
        pod.wait_until_ready().await;
        wait_for(pod, &all, |lacking, failure| lacking == 0 && failure.is_none()).await;
    }

    // An empty volume while no other peer is up, and while all are.
    pods.iter_mut().for_each(Pod::kill);
    pods[4].replace_volume();
    pods[4].start();
    wait_until_unready(&pods[4], "(0 of 4 others are up)").await;
    wait_for(&pods[4], &all[4..], |lacking, failure| lacking > 0 && failure.is_some()).await;
    pods[..4].iter_mut().for_each(Pod::start);
    for pod in &pods {
        pod.wait_until_ready().await;
        wait_for(pod, &all, |lacking, failure| lacking == 0 && failure.is_none()).await;
    }

    let config = peer_config(&pods[..4]);
    pods.iter().for_each(|pod| pod.configure(RoleConfig::Peer(config.clone())));
    wait_until_unready(&pods[4], "about to be removed").await;
    for pod in &pods {
        wait_for(pod, &all[..4], |lacking, _| lacking == 0).await;
    }
    for item in 0..ITEMS {
        assert!(pods[1].read(&format!("orders/{item}")).await.is_some());
    }
}
