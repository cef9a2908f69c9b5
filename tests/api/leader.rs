//! Leader election: one of several replicas works.

use crate::{
    apply::await_rendered,
    support::{Operator, TestNamespace, eventually, seconds, soon},
};
use std::time::Duration;

#[tokio::test]
async fn another_replica_leads_after_the_leader_is_killed() {
    let namespace = TestNamespace::new("leader-killed").await;
    fail_over(&namespace, seconds(25), async |leader| leader.kill().await).await;
}

#[tokio::test]
async fn another_replica_leads_within_5_s_after_the_leader_stops() {
    let namespace = TestNamespace::new("leader-stopped").await;
    fail_over(&namespace, seconds(5), async |leader| assert!(leader.stop().await)).await;
}

/// Ends the leader of two replicas; the other must lead within `limit`.
async fn fail_over(
    namespace: &TestNamespace,
    limit: Duration,
    end: impl AsyncFnOnce(&mut Operator),
) {
    namespace.grant_lease().await;
    let start = |instance: &str| {
        Operator::start_with(&[
            "--namespaces",
            &namespace.name,
            "--lease-namespace",
            &namespace.name,
            "--instance",
            instance,
        ])
    };
    let mut first = start("first");
    await_leader(&first, soon()).await;
    let second = start("second");
    namespace.apply("a", "{shape: ThreeTier}").await;
    namespace.await_children("a").await;
    assert!(!second.log().contains("this replica leads"), "two leaders:\n{}", second.log());
    end(&mut first).await;
    namespace.apply("b", "{shape: ThreeTier}").await;
    await_leader(&second, limit).await;
    namespace.await_children("b").await;
    await_rendered(namespace, "b").await;
}

async fn await_leader(operator: &Operator, within: Duration) {
    eventually("it is the leader", within, async || {
        let log = operator.log();
        if log.contains("this replica leads") { Ok(()) } else { Err(log) }
    })
    .await;
}
