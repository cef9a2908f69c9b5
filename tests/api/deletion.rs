//! What becomes of everything when an Architecture is deleted, and made again.

use crate::{
    apply::all_as_rendered,
    support::{Operator, Space, eventually, soon},
};
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::{
    ResourceExt,
    api::{DeleteParams, ListParams},
};
use maquette::api::Architecture;

#[tokio::test]
async fn everything_goes_with_the_architecture() {
    let space = Space::new("goes").await;
    let _operator = Operator::start(&space.name);
    space.apply("shop", "{shape: PeerToPeer}").await;
    space.await_children("shop").await;
    space.delete("shop").await;
    await_gone(&space, "shop", true).await;
}

#[tokio::test]
async fn volumes_stay_if_they_are_to_and_are_used_again() {
    let space = Space::new("volumes-stay").await;
    let _operator = Operator::start(&space.name);
    let spec = "{shape: ThreeTier, retention: {whenDeleted: Retain}}";
    space.apply("shop", spec).await;
    space.await_children("shop").await;
    let claims = space.api::<PersistentVolumeClaim>();
    let before = claims.get("data-shop-data-0").await.expect("a claim");
    space.delete("shop").await;
    await_gone(&space, "shop", false).await;
    space.apply("shop", "{shape: ThreeTier}").await;
    all_as_rendered(&space, "shop").await;
    let again = space.api::<Architecture>().get("shop").await.expect("there");
    eventually("the claim goes with the new Architecture", soon(), async || {
        let claim = claims.get("data-shop-data-0").await.map_err(|error| error.to_string())?;
        assert_eq!(claim.uid(), before.uid(), "another volume");
        let owners: Vec<_> = claim.owner_references().iter().map(|o| Some(o.uid.clone())).collect();
        if owners == [again.uid()] { Ok(()) } else { Err(format!("{owners:?}")) }
    })
    .await;
}

#[tokio::test]
async fn deleted_and_made_again_under_the_same_name() {
    let space = Space::new("again").await;
    let operator = Operator::start(&space.name);
    let mut uids = vec![];
    for _ in 0..4 {
        let made = space.apply("shop", "{shape: ThreeTier}").await;
        uids.push(made.uid());
        all_as_rendered(&space, "shop").await;
        space.delete("shop").await;
    }
    let last = space.apply("shop", "{shape: ThreeTier}").await;
    space.await_children("shop").await;
    all_as_rendered(&space, "shop").await;
    let claims = space.api::<PersistentVolumeClaim>().list(&ListParams::default()).await;
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
async fn nothing_is_made_again_while_the_architecture_goes() {
    let space = Space::new("foreground").await;
    let _operator = Operator::start(&space.name);
    space.apply("shop", "{shape: NTier}").await;
    space.await_children("shop").await;
    let api = space.api::<Architecture>();
    api.delete("shop", &DeleteParams::foreground()).await.expect("deleted");
    await_gone(&space, "shop", true).await;
}

/// Waits until an Architecture and its children are gone.
async fn await_gone(space: &Space, name: &str, with_claims: bool) {
    eventually("everything is gone", soon(), async || {
        let found = space.api::<Architecture>().get_opt(name).await.map_err(|e| e.to_string())?;
        let children = space.children(name).await;
        let claims = space.api::<PersistentVolumeClaim>().list(&ListParams::default()).await;
        let claims = claims.map_err(|error| error.to_string())?.items.len();
        let left = (found.is_some(), children.len(), if with_claims { claims } else { 0 });
        if left == (false, 0, 0) { Ok(()) } else { Err(format!("{left:?} are left")) }
    })
    .await;
}
