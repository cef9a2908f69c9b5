//! One of several replicas works.

use crate::{
    apply::all_as_rendered,
    support::{Operator, Space, eventually, seconds, soon},
};
use std::time::Duration;

#[tokio::test]
async fn another_replica_goes_on_when_the_leader_is_killed() {
    let space = Space::new("leader-killed").await;
    fail_over(&space, seconds(25), async |leader| leader.kill().await).await;
}

#[tokio::test]
async fn another_replica_goes_on_at_once_when_the_leader_is_asked_to_stop() {
    let space = Space::new("leader-stopped").await;
    fail_over(&space, seconds(5), async |leader| assert!(leader.stop().await)).await;
}

/// Ends the leader of two, and sees that the other works within `limit`.
async fn fail_over(space: &Space, limit: Duration, end: impl AsyncFnOnce(&mut Operator)) {
    space.grant_lease().await;
    let start = |instance: &str| {
        Operator::start_with(&[
            "--namespaces",
            &space.name,
            "--lease-namespace",
            &space.name,
            "--instance",
            instance,
        ])
    };
    let mut first = start("first");
    await_leader(&first, soon()).await;
    let second = start("second");
    space.apply("a", "{shape: ThreeTier}").await;
    space.await_children("a").await;
    assert!(!second.log().contains("this replica leads"), "two lead:\n{}", second.log());
    end(&mut first).await;
    space.apply("b", "{shape: ThreeTier}").await;
    await_leader(&second, limit).await;
    space.await_children("b").await;
    all_as_rendered(space, "b").await;
}

async fn await_leader(operator: &Operator, within: Duration) {
    eventually("it leads", within, async || {
        let log = operator.log();
        if log.contains("this replica leads") { Ok(()) } else { Err(log) }
    })
    .await;
}
