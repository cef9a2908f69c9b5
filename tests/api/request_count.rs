//! The number of requests that the operator sends to the API server.

use crate::support::{FakeKubelet, Operator, Request, TestNamespace, eventually, seconds, soon};
use k8s_openapi::api::core::v1::Service;
use kube::api::{Patch, PatchParams};
use std::{collections::BTreeMap, time::Instant};

#[tokio::test]
async fn a_new_architecture_costs_one_write_per_child_and_no_read() {
    let namespace = TestNamespace::new("costs").await;
    let _operator = Operator::start(&namespace.name);
    await_watches(&namespace).await;
    for (name, shape) in
        [("cs", "ClientServer"), ("tt", "ThreeTier"), ("nt", "NTier"), ("pp", "PeerToPeer")]
    {
        namespace.apply(name, &format!("{{shape: {shape}}}")).await;
        namespace.await_children(name).await;
    }
    // Longer than the operator delays a status write of details (2 s).
    tokio::time::sleep(seconds(6)).await;
    let mut writes: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut status: BTreeMap<String, usize> = BTreeMap::new();
    for request in Request::within(&namespace.name) {
        match (request.verb.as_str(), request.resource.as_str()) {
            ("list" | "watch", _) => {}
            ("patch", "architectures/status") => *status.entry(request.name).or_default() += 1,
            ("create", _) => *writes.entry((request.resource, request.name)).or_default() += 1,
            _ => panic!("unexpected {request:?}"),
        }
    }
    assert!(writes.values().all(|count| *count == 1), "{writes:?}");
    let claims = 1 + 1 + stores_of_the_default_n_tier(&writes) + 3;
    let mut children = 0;
    for name in ["cs", "tt", "nt", "pp"] {
        children += namespace.children(name).await.len();
    }
    assert_eq!(writes.len(), children + claims, "{writes:?}");
    assert_eq!(status.len(), 4);
    assert!(status.values().all(|count| *count <= 3), "writes of status: {status:?}");
}

#[tokio::test]
async fn becoming_ready_costs_three_status_writes_and_no_read() {
    let namespace = TestNamespace::new("costs-ready").await;
    let _kubelet = FakeKubelet::start(&namespace);
    let _operator = Operator::start(&namespace.name);
    await_watches(&namespace).await;
    for (name, shape) in [("tt", "ThreeTier"), ("pp", "PeerToPeer")] {
        namespace.apply(name, &format!("{{shape: {shape}}}")).await;
        namespace.await_condition(name, "Ready", soon(), |c| c.status == "True").await;
    }
    // Longer than the operator delays a status write of details (2 s).
    tokio::time::sleep(seconds(6)).await;
    let mut status: BTreeMap<String, usize> = BTreeMap::new();
    for request in Request::within(&namespace.name) {
        match (request.verb.as_str(), request.resource.as_str()) {
            ("patch", "architectures/status") => *status.entry(request.name).or_default() += 1,
            ("get", _) => panic!("unexpected {request:?}"),
            _ => {}
        }
    }
    assert_eq!(status.len(), 2);
    assert!(status.values().all(|count| *count <= 3), "writes of status: {status:?}");
}

fn stores_of_the_default_n_tier(writes: &BTreeMap<(String, String), usize>) -> usize {
    let sets =
        writes.keys().filter(|(kind, name)| kind == "statefulsets" && name.starts_with("nt-"));
    sets.count()
}

/// Reconciles of each Architecture that the test forces in the steady state.
const FORCED: u32 = 10;

#[tokio::test]
async fn a_steady_state_writes_only_the_lease() {
    let namespace = TestNamespace::new("quiet").await;
    namespace.grant_lease().await;
    let kubelet = FakeKubelet::start(&namespace);
    let operator = Operator::start_with(&[
        "--namespaces",
        &namespace.name,
        "--lease-namespace",
        &namespace.name,
    ]);
    for (name, shape) in [("tt", "ThreeTier"), ("pp", "PeerToPeer")] {
        namespace.apply(name, &format!("{{shape: {shape}}}")).await;
        namespace.await_condition(name, "Ready", soon(), |c| c.status == "True").await;
    }
    // Longer than the operator delays a status write of details (2 s).
    tokio::time::sleep(seconds(3)).await;
    let before = Request::within(&namespace.name).len();
    let start = Instant::now();
    for round in 0..FORCED {
        // Few requests: in most of the windows that are reported there is none.
        kubelet.behavior().is_quiet = round % 2 == 0;
        force_reconciles(&namespace, &operator, round).await;
        // The slowest poll of the pods is every 10 s: the rounds cover one.
        tokio::time::sleep(seconds(1)).await;
    }
    let quiet = start.elapsed().as_secs();
    let after = Request::within(&namespace.name).split_off(before);
    // A watch that the API server ends is resumed without a list.
    let after = after.into_iter().filter(|request| !request.is_watch());
    let (lease, others): (Vec<_>, Vec<_>) = after.partition(|request| request.resource == "leases");
    assert_eq!(others, [], "in {quiet} s of quiet");
    assert!(lease.iter().all(|request| request.verb == "update"), "{lease:?}");
    // One renewal every 5 s.
    let renewals = usize::try_from(quiet / 5).expect("a few");
    assert!((renewals - 1..=renewals + 2).contains(&lease.len()), "{} in {quiet} s", lease.len());
}

/// Makes the operator reconcile both Architectures once more: it sees a change of each entry
/// Service, to an annotation that is not its own.
async fn force_reconciles(namespace: &TestNamespace, operator: &Operator, round: u32) {
    let before = reconciles(operator).await;
    for name in ["tt", "pp"] {
        let annotations = serde_json::json!({"example.org/round": round.to_string()});
        let patch = Patch::Merge(serde_json::json!({"metadata": {"annotations": annotations}}));
        let params = PatchParams::default();
        namespace.api::<Service>().patch(name, &params, &patch).await.expect("patched");
    }
    eventually("both are reconciled", seconds(10), async || {
        let more = reconciles(operator).await - before;
        if more >= 2 { Ok(()) } else { Err(format!("{more} reconciles")) }
    })
    .await;
}

/// The number of successful reconciles so far.
async fn reconciles(operator: &Operator) -> u64 {
    let metrics = operator.metrics().await;
    let mut lines = metrics.lines().filter(|line| {
        line.starts_with("controller_runtime_reconcile_total{") && line.contains("success")
    });
    let count = lines.next().and_then(|line| line.rsplit(' ').next()?.parse().ok());
    count.unwrap_or_else(|| panic!("no reconciles are counted in {metrics}"))
}

/// Waits until the operator watches, so that objects created from now on are not listed.
async fn await_watches(namespace: &TestNamespace) {
    eventually("the operator watches", soon(), async || {
        let watches = Request::within(&namespace.name).iter().filter(|r| r.is_watch()).count();
        if watches >= 9 { Ok(()) } else { Err(format!("{watches} watches")) }
    })
    .await;
}
