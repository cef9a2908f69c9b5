//! Two Architectures whose names, joined with a component's, give the same objects; and objects that
//! lost their owner.

use crate::support::{AnyObject, Operator, TestNamespace, api_of_child, eventually, soon};
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::{
    ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams},
};
use maquette::api::Architecture;
use std::collections::BTreeMap;

/// Its store is `web-data`.
const SHOP: &str = "{shape: NTier, nTier: {services: [{name: web, owns: ['*']}]}}";
/// As `shop-web`, its store is `data`: both make `shop-web-data`.
const SHOP_WEB: &str = "{shape: ThreeTier}";

#[tokio::test]
async fn nothing_starts_while_a_name_belongs_to_another_architecture() {
    for (index, [first, second]) in [[0, 1], [1, 0]].into_iter().enumerate() {
        let both = [("shop", SHOP), ("shop-web", SHOP_WEB)];
        let ((first, first_spec), (second, second_spec)) = (both[first], both[second]);
        let namespace = TestNamespace::new(&format!("same-names-{index}")).await;
        let _operator = Operator::start(&namespace.name);
        namespace.apply(first, first_spec).await;
        namespace.await_children(first).await;
        let before = spec_by_child(namespace.children(first).await);
        namespace.apply(second, second_spec).await;
        let ready =
            namespace.await_condition(second, "Ready", soon(), |c| c.reason == "Conflict").await;
        let owner = format!("shop-web-data belongs to Architecture {first}");
        let fix = "rename this Architecture, or component ";
        for part in [&owner, fix] {
            assert!(ready.message.contains(part), "{part} is not in {}", ready.message);
        }
        let made = namespace.children(second).await;
        assert!(made.is_empty(), "made: {:?}", made.keys());
        let claims = namespace.api::<PersistentVolumeClaim>();
        let count = claims.list(&ListParams::default()).await.expect("a list").items.len();
        assert_eq!(count, 1, "the first one's claim");
        assert_eq!(spec_by_child(namespace.children(first).await), before, "{first} was changed");
        namespace.delete(first).await;
        namespace.await_children(second).await;
    }
}

#[tokio::test]
async fn of_two_that_are_created_together_one_gets_all_names() {
    let namespace = TestNamespace::new("same-names-together").await;
    let _operator = Operator::start(&namespace.name);
    futures::future::join(namespace.apply("shop", SHOP), namespace.apply("shop-web", SHOP_WEB))
        .await;
    let reasons = async |wanted: &str| {
        let mut names = vec![];
        for name in ["shop", "shop-web"] {
            let found = namespace.api::<Architecture>().get(name).await.expect("it is there");
            let conditions = found.status.map(|status| status.conditions).unwrap_or_default();
            if conditions.iter().any(|c| c.type_ == "Ready" && c.reason == wanted) {
                names.push(name);
            }
        }
        names
    };
    let refused = eventually("one of the two is refused", soon(), async || {
        match reasons("Conflict").await.as_slice() {
            [refused] => Ok(*refused),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    let first = if refused == "shop" { "shop-web" } else { "shop" };
    namespace.await_children(first).await;
    assert_eq!(reasons("Conflict").await, [refused]);
    let made = namespace.children(refused).await;
    assert!(made.is_empty(), "made: {:?}", made.keys());
}

fn spec_by_child(children: BTreeMap<String, AnyObject>) -> BTreeMap<String, serde_json::Value> {
    let specs = children.into_iter().map(|(key, child)| (key, child.data["spec"].clone()));
    // The controllers of others change the rest.
    specs.collect()
}

#[tokio::test]
async fn a_retained_claim_of_another_architecture_is_named_with_its_owner() {
    let namespace = TestNamespace::new("kept-by-another").await;
    let _operator = Operator::start(&namespace.name);
    let retain = SHOP.replacen('{', "{retention: {whenDeleted: Retain}, ", 1);
    namespace.apply("shop", &retain).await;
    namespace.await_children("shop").await;
    namespace.delete("shop").await;
    eventually("nothing of it but its claim is left", soon(), async || {
        let left = namespace.children("shop").await;
        if left.is_empty() { Ok(()) } else { Err(format!("{:?}", left.keys())) }
    })
    .await;
    namespace.apply("shop-web", SHOP_WEB).await;
    let ready =
        namespace.await_condition("shop-web", "Ready", soon(), |c| c.reason == "Conflict").await;
    assert_eq!(
        ready.message,
        "PersistentVolumeClaim data-shop-web-data-0 belongs to Architecture shop, which no longer \
         exists: rename this Architecture, or component data"
    );
    let made = namespace.children("shop-web").await;
    assert!(made.is_empty(), "made: {:?}", made.keys());
    // Its owner decides that the data is not needed.
    let claims = namespace.api::<PersistentVolumeClaim>();
    claims.delete("data-shop-web-data-0", &DeleteParams::default()).await.expect("deleted");
    namespace.await_children("shop-web").await;
}

/// As after a restore from a backup, which keeps labels and drops owners.
#[tokio::test]
async fn orphaned_objects_are_adopted() {
    let namespace = TestNamespace::new("orphans").await;
    let mut operator = Operator::start(&namespace.name);
    namespace.apply("shop", SHOP_WEB).await;
    namespace.await_children("shop").await;
    operator.kill().await;
    let children = namespace.children("shop").await;
    for key in children.keys() {
        let (api, name) = api_of_child(&namespace, key);
        let patch = serde_json::json!({"metadata": {"ownerReferences": []}});
        api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.expect("patched");
    }
    namespace.delete("shop").await;
    let uid = namespace.apply("shop", SHOP_WEB).await.uid().expect("a UID");
    let _operator = Operator::start(&namespace.name);
    eventually("every object has its controller again", soon(), async || {
        for (key, before) in &children {
            let (api, name) = api_of_child(&namespace, key);
            let child = api.get(name).await.map_err(|error| error.to_string())?;
            assert_eq!(child.uid(), before.uid(), "{key} was created again");
            let owners = child.owner_references();
            if !owners.iter().any(|owner| owner.uid == uid && owner.controller == Some(true)) {
                return Err(format!("{key} has none"));
            }
        }
        Ok(())
    })
    .await;
    namespace.await_children("shop").await;
}
