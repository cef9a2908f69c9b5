//! The operator keeps no state of its own: killed at any moment, the next one continues.

use crate::{
    apply::await_rendered,
    support::{
        FakeKubelet, Forwarder, Operator, Request, TestNamespace, control_plane, eventually,
        seconds, soon,
    },
};

use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use maquette_contract::keys::LABEL_COMPONENT;

#[tokio::test]
async fn an_operator_killed_between_writes_is_continued_by_the_next() {
    let namespace = TestNamespace::new("killed").await;
    let names = ["a", "b", "c", "d", "e"];
    for (round, name) in names.into_iter().enumerate() {
        let mut operator = Operator::start(&namespace.name);
        namespace.apply(name, "{shape: NTier}").await;
        // After another number of writes in each round.
        let enough = 1 + 3 * round;
        eventually("some children are created", soon(), async || {
            let made = namespace.children(name).await.len();
            if made >= enough { Ok(()) } else { Err(format!("{made} of {enough}")) }
        })
        .await;
        operator.kill().await;
    }
    let _operator = Operator::start(&namespace.name);
    for name in names {
        namespace.await_children(name).await;
        await_rendered(&namespace, name).await;
    }
}

#[tokio::test]
async fn the_operator_stops_cleanly_on_sigterm() {
    let namespace = TestNamespace::new("stopped").await;
    let mut operator = Operator::start(&namespace.name);
    namespace.apply("shop", "{shape: ThreeTier}").await;
    namespace.await_children("shop").await;
    assert!(operator.stop().await, "{}", operator.log());
}

#[tokio::test]
async fn a_new_operator_repairs_what_changed_while_none_ran() {
    let namespace = TestNamespace::new("absent").await;
    let mut operator = Operator::start(&namespace.name);
    namespace.apply("shop", "{shape: ThreeTier}").await;
    namespace.await_children("shop").await;
    operator.kill().await;
    let client = crate::support::api_of(&namespace, crate::support::CHILD_KINDS[3]);
    client.delete("shop-client", &kube::api::DeleteParams::background()).await.expect("deleted");
    namespace.apply("shop", "{shape: ThreeTier, threeTier: {business: {replicas: 3}}}").await;
    let _operator = Operator::start(&namespace.name);
    await_rendered(&namespace, "shop").await;
}

#[tokio::test]
async fn a_new_operator_writes_nothing_for_models_that_work() {
    let namespace = TestNamespace::new("restarts").await;
    let kubelet = FakeKubelet::start(&namespace);
    let mut operator = Operator::start(&namespace.name);
    let shapes = [("tt", "ThreeTier"), ("pp", "PeerToPeer"), ("cs", "ClientServer")];
    for (name, shape) in shapes {
        namespace.apply(name, &format!("{{shape: {shape}}}")).await;
        namespace.await_condition(name, "Ready", soon(), |c| c.status == "True").await;
    }
    // Longer than the operator delays a status write of details (2 s).
    tokio::time::sleep(seconds(3)).await;
    for is_silent in [false, true] {
        operator.kill().await;
        let before = Request::within(&namespace.name).len();
        // One that is silent at first, such as during a failure of the network.
        if is_silent {
            kubelet.behavior().not_reporting.insert("data".to_owned());
        }
        operator = Operator::start(&namespace.name);
        await_polls(&operator, 15).await;
        kubelet.behavior().not_reporting.clear();
        // Several rounds of polls.
        tokio::time::sleep(seconds(5)).await;
        assert_eq!(writes_after(&namespace, before), [], "{}", operator.log());
    }
    // A change while no operator runs counts at once.
    operator.kill().await;
    kubelet.behavior().down.insert("business".to_owned());
    eventually("the pods are not ready", soon(), async || {
        let ready = ready_pods(&namespace, "business").await;
        if ready == 0 { Ok(()) } else { Err(format!("{ready} are ready")) }
    })
    .await;
    let _operator = Operator::start(&namespace.name);
    namespace.await_condition("tt", "Ready", soon(), |c| c.status == "False").await;
}

#[tokio::test]
async fn an_outage_of_the_api_server_turns_no_condition() {
    let namespace = TestNamespace::new("outage").await;
    let _kubelet = FakeKubelet::start(&namespace);
    let forwarder = Forwarder::start(control_plane()).await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let kubeconfig = directory.path().join("kubeconfig");
    forwarder.write_kubeconfig(control_plane(), &kubeconfig);
    let scope = ["--namespaces", "outage", "--leader-elect", "false"];
    let operator = Operator::start_as(&kubeconfig, &scope);
    namespace.apply("shop", "{shape: ThreeTier}").await;
    namespace.await_condition("shop", "Ready", soon(), |c| c.status == "True").await;
    // Longer than the operator delays a status write of details (2 s).
    tokio::time::sleep(seconds(3)).await;
    let before = Request::within("outage").len();
    forwarder.set_up(false);
    tokio::time::sleep(seconds(15)).await;
    operator.probe("/livez").await.expect("it is alive");
    forwarder.set_up(true);
    eventually("the watches work again", seconds(60), async || {
        let metrics = operator.metrics().await;
        let failing = metrics
            .lines()
            .find(|line| line.starts_with("maquette_watch_failing{") && line.ends_with(" 1"));
        failing.map_or(Ok(()), |line| Err(line.to_owned()))
    })
    .await;
    assert_eq!(writes_after(&namespace, before), [], "{}", operator.log());
    namespace.apply("shop", "{shape: ThreeTier, threeTier: {business: {replicas: 3}}}").await;
    await_rendered(&namespace, "shop").await;
}

#[tokio::test]
async fn a_new_leader_turns_no_condition() {
    let namespace = TestNamespace::new("new-leader").await;
    let _kubelet = FakeKubelet::start(&namespace);
    namespace.grant_lease().await;
    let scope = ["--namespaces", "new-leader", "--lease-namespace", "new-leader"];
    let start =
        |instance: &str| Operator::start_with(&[&scope[..], &["--instance", instance]].concat());
    let mut first = start("first");
    namespace.apply("shop", "{shape: ThreeTier}").await;
    namespace.await_condition("shop", "Ready", soon(), |c| c.status == "True").await;
    let second = start("second");
    // Longer than the operator delays a status write of details (2 s).
    tokio::time::sleep(seconds(3)).await;
    let before = Request::within("new-leader").len();
    first.kill().await;
    eventually("the other replica leads", seconds(25), async || {
        let log = second.log();
        if log.contains("this replica leads") { Ok(()) } else { Err(log) }
    })
    .await;
    await_polls(&second, 15).await;
    assert_eq!(writes_after(&namespace, before), [], "{}", second.log());
}

/// The writes in a namespace after the first `before` requests, without those to the Lease.
fn writes_after(namespace: &TestNamespace, before: usize) -> Vec<Request> {
    let after = Request::within(&namespace.name).split_off(before);
    let is_write = |request: &Request| {
        !["get", "list", "watch"].contains(&request.verb.as_str()) && request.resource != "leases"
    };
    after.into_iter().filter(is_write).collect()
}

/// How many pods of a component are ready.
async fn ready_pods(namespace: &TestNamespace, component: &str) -> usize {
    let params = ListParams::default().labels(&format!("{LABEL_COMPONENT}={component}"));
    let pods = namespace.api::<Pod>().list(&params).await.expect("a list");
    let conditions = pods.iter().filter_map(|pod| pod.status.as_ref()?.conditions.as_ref());
    conditions.flatten().filter(|one| one.type_ == "Ready" && one.status == "True").count()
}

/// Waits until the operator has polled this many pods with success.
async fn await_polls(operator: &Operator, enough: u64) {
    eventually("pods are polled", soon(), async || {
        if !operator.log().contains("serving probes and metrics") {
            return Err("not started".to_owned());
        }
        let metrics = operator.metrics().await;
        let start = "maquette_report_polls_total{result=\"success\"} ";
        let count = metrics.lines().find_map(|line| line.strip_prefix(start)?.parse::<u64>().ok());
        let count = count.unwrap_or(0);
        if count >= enough { Ok(()) } else { Err(format!("{count} polls")) }
    })
    .await;
}
