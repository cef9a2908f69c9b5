//! Children that are deleted during a change are restored as they were: the operator keeps where
//! the items are. A fake kubelet reports for the pods.

use crate::{
    evolution::{AFTER, BEFORE, await_step},
    support::{Condition, FakeKubelet, Operator, TestNamespace, api_of_child, soon},
};
use k8s_openapi::api::{apps::v1::StatefulSet, core::v1::ConfigMap};
use kube::api::DeleteParams;
use maquette::api::EvolutionStep;

/// A three-tier that changes to peers, which have not copied all items yet.
async fn start_migration(name: &str) -> (TestNamespace, FakeKubelet, Operator) {
    let namespace = TestNamespace::new(name).await;
    let kubelet = FakeKubelet::start(&namespace);
    let operator = Operator::start(&namespace.name);
    kubelet.behavior().migrating.insert("peers".to_owned());
    namespace.apply("shop", BEFORE).await;
    namespace.await_ready("shop").await;
    namespace.apply("shop", AFTER).await;
    await_step(&namespace, EvolutionStep::Finalize).await;
    let copies = |c: &Condition| c.message.contains("has 5 items so far");
    namespace.await_condition("shop", "Progressing", soon(), copies).await;
    (namespace, kubelet, operator)
}

async fn finish_migration(namespace: &TestNamespace, kubelet: &FakeKubelet) {
    kubelet.behavior().migrating.clear();
    namespace.await_condition("shop", "Progressing", soon(), |c| c.reason == "UpToDate").await;
    namespace.await_ready("shop").await;
    let data = namespace.api::<StatefulSet>().get_opt("shop-data").await.expect("an answer");
    assert!(data.is_none(), "the old store is deleted");
}

#[tokio::test]
async fn a_child_deleted_during_a_change_is_restored_unchanged() {
    let (namespace, kubelet, _operator) = start_migration("losses").await;
    let children = namespace.children("shop").await;
    for component in ["client", "business", "data", "load", "peers"] {
        assert!(children.contains_key(&format!("ConfigMap shop-{component}")), "{component} runs");
    }
    for (key, child) in &children {
        let again = namespace.delete_and_await_child(key, child).await;
        assert_eq!(again.data.get("data"), child.data.get("data"), "the configuration in {key}");
        if let ("Service shop", Some(selector)) =
            (key.as_str(), child.data.pointer("/spec/selector"))
        {
            assert_eq!(again.data.pointer("/spec/selector"), Some(selector), "the entry");
        }
    }
    finish_migration(&namespace, &kubelet).await;
}

#[tokio::test]
async fn a_source_deleted_while_no_operator_ran_blocks_the_change() {
    let (namespace, kubelet, mut operator) = start_migration("lost-source").await;
    operator.kill().await;
    let config_maps = namespace.api::<ConfigMap>();
    config_maps.delete("shop-data", &DeleteParams::default()).await.expect("deleted");
    let _operator = Operator::start(&namespace.name);
    let blocked = |c: &Condition| c.status == "False" && c.reason == "Blocked";
    let condition = namespace.await_condition("shop", "Progressing", soon(), blocked).await;
    assert!(condition.message.contains("data is needed"), "{}", condition.message);
    namespace.await_condition("shop", "Ready", soon(), |c| c.status == "False").await;
    let (api, name) = api_of_child(&namespace, "StatefulSet shop-data");
    assert!(api.get(name).await.is_ok(), "its pods stay");

    namespace.apply("shop", BEFORE).await;
    namespace.await_ready("shop").await;
    namespace.apply("shop", AFTER).await;
    await_step(&namespace, EvolutionStep::Finalize).await;
    finish_migration(&namespace, &kubelet).await;
}
