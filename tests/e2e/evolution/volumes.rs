//! A running model changes its shape: components that stay keep their items, and the volumes of the
//! others follow `retention`.

use crate::support::{eventually, run, seconds};
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use maquette::api::VolumeState;
use maquette_contract::Role;

const THREE_TIER: &str = "
apiVersion: maquette.dev/v1alpha1
kind: Architecture
metadata: {name: grows}
spec:
  shape: ThreeTier
  load: {requestsPerSecond: 0}
";

#[tokio::test]
#[ignore = "needs a cluster: make e2e"]
async fn changing_three_tier_to_n_tier_keeps_every_item() {
    run("grows", THREE_TIER, async |model| {
        let written = model.write_many("books", 20).await;
        model.apply(&THREE_TIER.replace("ThreeTier", "NTier")).await;
        model.await_ready().await;
        let read = model.read_back(&model.name, &written[0]).await;
        assert_eq!(read.trace.calls[0].component.as_str(), "storefront");
        model.read_all_back(&written).await;

        model.apply(THREE_TIER).await;
        model.await_ready().await;
        model.read_all_back(&written).await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: make e2e"]
async fn the_volume_of_a_dropped_store_follows_the_retention_policy() {
    run("drops", THREE_TIER, async |model| {
        let claim = format!("data-{}-0", model.child("data"));
        let peers = THREE_TIER.replace("ThreeTier", "PeerToPeer");
        model.apply(&peers).await;
        model.await_ready().await;
        let status = model.get().await.status.expect("a status");
        let kept: Vec<_> = status.volumes.iter().map(|v| (v.name.as_str(), v.state)).collect();
        assert_eq!(kept, [(claim.as_str(), VolumeState::Retained)]);
        let peer = model.write(&model.name, "books", "of-peers", 1.into()).await.1;
        assert_eq!(peer.trace.role, Role::Peer);

        model.apply(&format!("{peers}  retention: {{whenDropped: Delete}}\n")).await;
        eventually("the volume is gone", seconds(120), async || {
            let claims = model.api::<PersistentVolumeClaim>();
            match claims.get_opt(&claim).await.map_err(|error| error.to_string())? {
                None => Ok(()),
                Some(left) => Err(format!("{:?}", left.metadata.owner_references)),
            }
        })
        .await;
    })
    .await;
}
