//! The operator keeps nothing to itself: killed at any moment, the next one goes on.

use crate::{
    apply::await_rendered,
    support::{Operator, TestNamespace, eventually, soon},
};

#[tokio::test]
async fn killed_in_the_middle_and_started_again() {
    let namespace = TestNamespace::new("killed").await;
    let names = ["a", "b", "c", "d", "e"];
    for (round, name) in names.into_iter().enumerate() {
        let mut operator = Operator::start(&namespace.name);
        namespace.apply(name, "{shape: NTier}").await;
        // In another place each time.
        let enough = 1 + 3 * round;
        eventually("some children are made", soon(), async || {
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
async fn asked_to_stop_it_ends_well() {
    let namespace = TestNamespace::new("stopped").await;
    let mut operator = Operator::start(&namespace.name);
    namespace.apply("shop", "{shape: ThreeTier}").await;
    namespace.await_children("shop").await;
    assert!(operator.stop().await, "{}", operator.log());
}

#[tokio::test]
async fn what_changed_while_no_operator_ran_is_made_up_for() {
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
