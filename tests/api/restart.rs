//! The operator keeps no state of its own: killed at any moment, the next one continues.

use crate::{
    apply::await_rendered,
    support::{Operator, TestNamespace, eventually, soon},
};

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
