//! Volumes follow `spec.retention`, also when it changes.

use crate::support::{FakeKubelet, Operator, TestNamespace, eventually, soon};
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::ResourceExt;
use maquette::api::{Architecture, VolumeState, VolumeStatus};

#[tokio::test]
async fn the_owner_of_a_volume_follows_the_retention_policy() {
    let namespace = TestNamespace::new("owner").await;
    let _operator = Operator::start(&namespace.name);
    for policy in ["Delete", "Retain", "Delete"] {
        let spec = format!("{{shape: ThreeTier, retention: {{whenDeleted: {policy}}}}}");
        let uid = namespace.apply("shop", &spec).await.uid();
        let wanted = if policy == "Delete" { vec![uid] } else { vec![] };
        eventually(&format!("the owner with {policy}"), soon(), async || {
            let claims = namespace.api::<PersistentVolumeClaim>();
            let found = claims.get("data-shop-data-0").await.map_err(|error| error.to_string())?;
            let owners: Vec<_> =
                found.owner_references().iter().map(|owner| Some(owner.uid.clone())).collect();
            if owners == wanted { Ok(()) } else { Err(format!("{owners:?}")) }
        })
        .await;
    }
}

#[tokio::test]
async fn the_status_names_a_retained_volume_until_it_is_used() {
    let namespace = TestNamespace::new("kept").await;
    let _kubelet = FakeKubelet::start(&namespace);
    let _operator = Operator::start(&namespace.name);
    let claims = namespace.api::<PersistentVolumeClaim>();
    namespace.apply("shop", "{shape: ThreeTier}").await;
    namespace.await_condition("shop", "Ready", soon(), |c| c.status == "True").await;
    let before = claims.get("data-shop-data-0").await.expect("a claim").uid();
    namespace.apply("shop", "{shape: PeerToPeer}").await;
    namespace.await_condition("shop", "Ready", soon(), |c| c.status == "True").await;
    let kept = await_volumes(&namespace, &["data-shop-data-0"]).await.remove(0);
    assert_eq!((kept.state, kept.component.as_deref()), (VolumeState::Retained, Some("data")));
    let message = kept.message.expect("a reason");
    assert!(message.contains("retention.whenDropped is Retain"), "{message}");
    namespace.apply("shop", "{shape: ThreeTier}").await;
    namespace.await_condition("shop", "Ready", soon(), |c| c.status == "True").await;
    let peers = ["data-shop-peers-0", "data-shop-peers-1", "data-shop-peers-2"];
    for kept in await_volumes(&namespace, &peers).await {
        assert_eq!((kept.state, kept.component.as_deref()), (VolumeState::Retained, Some("peers")));
    }
    assert_eq!(claims.get("data-shop-data-0").await.expect("a claim").uid(), before);
}

#[tokio::test]
async fn a_volume_of_an_earlier_architecture_is_untouched_until_used() {
    let namespace = TestNamespace::new("left").await;
    let _kubelet = FakeKubelet::start(&namespace);
    let _operator = Operator::start(&namespace.name);
    let claims = namespace.api::<PersistentVolumeClaim>();
    namespace.apply("shop", "{shape: ThreeTier, retention: {whenDeleted: Retain}}").await;
    namespace.await_condition("shop", "Ready", soon(), |c| c.status == "True").await;
    let before = claims.get("data-shop-data-0").await.expect("a claim");
    assert_eq!(before.owner_references(), []);
    namespace.delete("shop").await;
    // Another Architecture of the same name, which does not use the volume and would delete its
    // own.
    let all_goes = "retention: {whenDropped: Delete, whenDeleted: Delete}";
    namespace.apply("shop", &format!("{{shape: PeerToPeer, {all_goes}}}")).await;
    namespace.await_condition("shop", "Ready", soon(), |c| c.status == "True").await;
    let left = await_volumes(&namespace, &["data-shop-data-0"]).await.remove(0);
    assert_eq!((left.state, left.component.as_deref()), (VolumeState::Retained, Some("data")));
    let message = left.message.expect("a reason");
    assert!(message.contains("an earlier Architecture"), "{message}");
    let after = claims.get("data-shop-data-0").await.expect("it is there");
    assert_eq!(after.owner_references(), [], "it would go with the Architecture");
    assert_eq!(after.metadata.deletion_timestamp, None);
    // A component of its name uses it; from then on it is deleted with that component.
    namespace.apply("shop", &format!("{{shape: ThreeTier, {all_goes}}}")).await;
    namespace.await_condition("shop", "Ready", soon(), |c| c.status == "True").await;
    await_volumes(&namespace, &[]).await;
    let used = claims.get("data-shop-data-0").await.expect("it is there");
    assert_eq!(used.uid(), before.uid());
    assert_eq!(used.owner_references().len(), 1);
    namespace.apply("shop", &format!("{{shape: PeerToPeer, {all_goes}}}")).await;
    await_claim_gone(&namespace, "data-shop-data-0").await;
}

#[tokio::test]
async fn when_dropped_deletes_a_volume_that_when_deleted_retains() {
    let namespace = TestNamespace::new("dropped").await;
    let _kubelet = FakeKubelet::start(&namespace);
    let _operator = Operator::start(&namespace.name);
    let retention = "retention: {whenDropped: Delete, whenDeleted: Retain}";
    namespace.apply("shop", &format!("{{shape: ThreeTier, {retention}}}")).await;
    namespace.await_condition("shop", "Ready", soon(), |c| c.status == "True").await;
    namespace.apply("shop", &format!("{{shape: PeerToPeer, {retention}}}")).await;
    await_claim_gone(&namespace, "data-shop-data-0").await;
    await_volumes(&namespace, &[]).await;
}

/// Waits until the status names exactly these volumes as unused.
async fn await_volumes(namespace: &TestNamespace, names: &[&str]) -> Vec<VolumeStatus> {
    eventually(&format!("{names:?} are reported"), soon(), async || {
        let found = namespace.api::<Architecture>().get("shop").await.map_err(|e| e.to_string())?;
        let volumes = found.status.map(|status| status.volumes).unwrap_or_default();
        let unused: Vec<_> = volumes.iter().map(|volume| volume.name.as_str()).collect();
        if unused == names { Ok(volumes) } else { Err(format!("{volumes:?}")) }
    })
    .await
}

async fn await_claim_gone(namespace: &TestNamespace, claim: &str) {
    eventually(&format!("{claim} is gone"), soon(), async || {
        let claims = namespace.api::<PersistentVolumeClaim>();
        let found = claims.get_opt(claim).await.map_err(|error| error.to_string())?;
        found.map_or(Ok(()), |_| Err("it is there".to_owned()))
    })
    .await;
}
