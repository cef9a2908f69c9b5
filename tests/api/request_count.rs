//! How much the operator asks the API server for: no more than is needed.

use crate::support::{FakeKubelet, Operator, Request, TestNamespace, seconds, soon};
use std::collections::BTreeMap;

#[tokio::test]
async fn a_new_architecture_costs_one_write_for_each_child_three_of_status_and_no_read() {
    let namespace = TestNamespace::new("costs").await;
    let _operator = Operator::start(&namespace.name);
    await_watches(&namespace).await;
    for (name, shape) in
        [("cs", "ClientServer"), ("tt", "ThreeTier"), ("nt", "NTier"), ("pp", "PeerToPeer")]
    {
        namespace.apply(name, &format!("{{shape: {shape}}}")).await;
        namespace.await_children(name).await;
    }
    // Longer than any write of details is put off.
    tokio::time::sleep(seconds(6)).await;
    let mut writes: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut status: BTreeMap<String, usize> = BTreeMap::new();
    for request in Request::within(&namespace.name) {
        match (request.verb.as_str(), request.resource.as_str()) {
            ("list" | "watch", _) => {}
            ("patch", "architectures/status") => *status.entry(request.name).or_default() += 1,
            ("create", _) => *writes.entry((request.resource, request.name)).or_default() += 1,
            _ => panic!("nobody needs {request:?}"),
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
async fn until_it_is_ready_a_new_architecture_costs_three_writes_of_status_and_no_read() {
    let namespace = TestNamespace::new("costs-ready").await;
    let _kubelet = FakeKubelet::start(&namespace);
    let _operator = Operator::start(&namespace.name);
    await_watches(&namespace).await;
    for (name, shape) in [("tt", "ThreeTier"), ("pp", "PeerToPeer")] {
        namespace.apply(name, &format!("{{shape: {shape}}}")).await;
        namespace.await_condition(name, "Ready", soon(), |c| c.status == "True").await;
    }
    // Longer than any write of details is put off.
    tokio::time::sleep(seconds(6)).await;
    let mut status: BTreeMap<String, usize> = BTreeMap::new();
    for request in Request::within(&namespace.name) {
        match (request.verb.as_str(), request.resource.as_str()) {
            ("patch", "architectures/status") => *status.entry(request.name).or_default() += 1,
            ("get", _) => panic!("nobody needs {request:?}"),
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

#[tokio::test]
async fn when_all_is_well_nothing_is_asked_for_but_the_lease() {
    let namespace = TestNamespace::new("quiet").await;
    namespace.grant_lease().await;
    let _kubelet = FakeKubelet::start(&namespace);
    let _operator = Operator::start_with(&[
        "--namespaces",
        &namespace.name,
        "--lease-namespace",
        &namespace.name,
    ]);
    for (name, shape) in [("tt", "ThreeTier"), ("pp", "PeerToPeer")] {
        namespace.apply(name, &format!("{{shape: {shape}}}")).await;
        namespace.await_condition(name, "Ready", soon(), |c| c.status == "True").await;
    }
    tokio::time::sleep(seconds(5)).await;
    let before = Request::within(&namespace.name).len();
    tokio::time::sleep(seconds(60)).await;
    let after = Request::within(&namespace.name).split_off(before);
    let (lease, others): (Vec<_>, Vec<_>) =
        after.into_iter().partition(|request| request.resource == "leases");
    assert_eq!(others, [], "in 60 s of quiet");
    assert!(lease.iter().all(|request| request.verb == "update"), "{lease:?}");
    assert!((10..=14).contains(&lease.len()), "{} writes of the lease", lease.len());
}

/// Waits until the operator watches, so that it does not list what is made from now on.
async fn await_watches(namespace: &TestNamespace) {
    crate::support::eventually("the operator watches", soon(), async || {
        let watches = Request::within(&namespace.name).iter().filter(|r| r.is_watch()).count();
        if watches >= 9 { Ok(()) } else { Err(format!("{watches} watches")) }
    })
    .await;
}
