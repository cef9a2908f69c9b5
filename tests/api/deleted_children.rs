//! What somebody deletes in the midst of a change comes back as it was: where items are is not
//! forgotten. The pods are played.

use crate::{
    evolution::{AFTER, BEFORE, is_ready, step},
    support::{Condition, Kubelet, Operator, Space, api_of_child, soon},
};
use k8s_openapi::api::{apps::v1::StatefulSet, core::v1::ConfigMap};
use kube::api::DeleteParams;
use maquette::api::EvolutionStep;

/// A three-tier on its way to peers, which have not copied everything yet.
async fn start_migration(name: &str) -> (Space, Kubelet, Operator) {
    let space = Space::new(name).await;
    let kubelet = Kubelet::start(&space);
    let operator = Operator::start(&space.name);
    kubelet.now().migrating.insert("peers".to_owned());
    space.apply("shop", BEFORE).await;
    is_ready(&space).await;
    space.apply("shop", AFTER).await;
    step(&space, EvolutionStep::Finalize).await;
    let copies = |c: &Condition| c.message.contains("has 5 items so far");
    space.condition("shop", "Progressing", soon(), copies).await;
    (space, kubelet, operator)
}

async fn finish_migration(space: &Space, kubelet: &Kubelet) {
    kubelet.now().migrating.clear();
    space.condition("shop", "Progressing", soon(), |c| c.reason == "UpToDate").await;
    is_ready(space).await;
    let data = space.api::<StatefulSet>().get_opt("shop-data").await.expect("asked");
    assert!(data.is_none(), "the old home is retired");
}

#[tokio::test]
async fn every_child_comes_back_as_it_was_and_the_change_goes_on() {
    let (space, kubelet, _operator) = start_migration("losses").await;
    let children = space.children("shop").await;
    for component in ["client", "business", "data", "load", "peers"] {
        assert!(children.contains_key(&format!("ConfigMap shop-{component}")), "{component} runs");
    }
    for (key, child) in &children {
        let again = space.delete_and_await_child(key, child).await;
        assert_eq!(again.data.get("data"), child.data.get("data"), "the settings in {key}");
        if let ("Service shop", Some(selector)) =
            (key.as_str(), child.data.pointer("/spec/selector"))
        {
            assert_eq!(again.data.pointer("/spec/selector"), Some(selector), "the entry");
        }
    }
    finish_migration(&space, &kubelet).await;
}

#[tokio::test]
async fn a_home_lost_while_nobody_looked_holds_the_change_until_it_is_back() {
    let (space, kubelet, mut operator) = start_migration("lost-home").await;
    operator.kill().await;
    let settings = space.api::<ConfigMap>();
    settings.delete("shop-data", &DeleteParams::default()).await.expect("deleted");
    let _operator = Operator::start(&space.name);
    let blocked = |c: &Condition| c.status == "False" && c.reason == "Blocked";
    let said = space.condition("shop", "Progressing", soon(), blocked).await;
    assert!(said.message.contains("data is needed"), "{}", said.message);
    space.condition("shop", "Ready", soon(), |c| c.status == "False").await;
    let (api, name) = api_of_child(&space, "StatefulSet shop-data");
    assert!(api.get(name).await.is_ok(), "its pods stay");

    space.apply("shop", BEFORE).await;
    is_ready(&space).await;
    space.apply("shop", AFTER).await;
    step(&space, EvolutionStep::Finalize).await;
    finish_migration(&space, &kubelet).await;
}
