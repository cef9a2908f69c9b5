//! Deletion of an Architecture, and a new one of the same name.

use crate::{
    apply::await_rendered,
    support::{Operator, TestNamespace, eventually, soon},
};
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::{
    ResourceExt,
    api::{DeleteParams, ListParams},
};
use maquette::api::Architecture;

#[tokio::test]
async fn deleting_an_architecture_deletes_every_child() {
    let namespace = TestNamespace::new("goes").await;
    let _operator = Operator::start(&namespace.name);
    namespace.apply("shop", "{shape: PeerToPeer}").await;
    namespace.await_children("shop").await;
    namespace.delete("shop").await;
    await_gone(&namespace, "shop", true).await;
}

#[tokio::test]
async fn retained_volumes_are_used_again() {
    let namespace = TestNamespace::new("volumes-stay").await;
    let _operator = Operator::start(&namespace.name);
    let spec = "{shape: ThreeTier, retention: {whenDeleted: Retain}}";
    namespace.apply("shop", spec).await;
    namespace.await_children("shop").await;
    let claims = namespace.api::<PersistentVolumeClaim>();
    let before = claims.get("data-shop-data-0").await.expect("a claim");
    namespace.delete("shop").await;
    await_gone(&namespace, "shop", false).await;
    namespace.apply("shop", "{shape: ThreeTier}").await;
    await_rendered(&namespace, "shop").await;
    let again = namespace.api::<Architecture>().get("shop").await.expect("there");
    eventually("the claim goes with the new Architecture", soon(), async || {
        let claim = claims.get("data-shop-data-0").await.map_err(|error| error.to_string())?;
        assert_eq!(claim.uid(), before.uid(), "another volume");
        let owners: Vec<_> = claim.owner_references().iter().map(|o| Some(o.uid.clone())).collect();
        if owners == [again.uid()] { Ok(()) } else { Err(format!("{owners:?}")) }
    })
    .await;
}

#[tokio::test]
async fn an_architecture_can_be_recreated_under_the_same_name() {
    let namespace = TestNamespace::new("again").await;
    let operator = Operator::start(&namespace.name);
    let mut uids = vec![];
    for _ in 0..4 {
        let made = namespace.apply("shop", "{shape: ThreeTier}").await;
        uids.push(made.uid());
        await_rendered(&namespace, "shop").await;
        namespace.delete("shop").await;
    }
    let last = namespace.apply("shop", "{shape: ThreeTier}").await;
    namespace.await_children("shop").await;
    await_rendered(&namespace, "shop").await;
    let claims = namespace.api::<PersistentVolumeClaim>().list(&ListParams::default()).await;
    for claim in claims.expect("a list") {
        let owners: Vec<_> = claim.owner_references().iter().map(|o| Some(o.uid.clone())).collect();
        assert_eq!(owners, [last.uid()], "{}", claim.name_any());
        assert_eq!(claim.metadata.deletion_timestamp, None);
    }
    uids.push(last.uid());
    uids.sort();
    uids.dedup();
    assert_eq!(uids.len(), 5);
    assert!(!operator.log().contains("Conflict"), "{}", operator.log());
}

#[tokio::test]
async fn no_child_is_recreated_during_a_foreground_deletion() {
    let namespace = TestNamespace::new("foreground").await;
    let _operator = Operator::start(&namespace.name);
    namespace.apply("shop", "{shape: NTier}").await;
    namespace.await_children("shop").await;
    let api = namespace.api::<Architecture>();
    api.delete("shop", &DeleteParams::foreground()).await.expect("deleted");
    await_gone(&namespace, "shop", true).await;
}

/// Waits until an Architecture and its children are gone.
async fn await_gone(namespace: &TestNamespace, name: &str, with_claims: bool) {
    eventually("everything is gone", soon(), async || {
        let found =
            namespace.api::<Architecture>().get_opt(name).await.map_err(|e| e.to_string())?;
        let children = namespace.children(name).await;
        let claims = namespace.api::<PersistentVolumeClaim>().list(&ListParams::default()).await;
        let claims = claims.map_err(|error| error.to_string())?.items.len();
        let left = (found.is_some(), children.len(), if with_claims { claims } else { 0 });
        if left == (false, 0, 0) { Ok(()) } else { Err(format!("{left:?} are left")) }
    })
    .await;
}
