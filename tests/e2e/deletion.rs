//! After deletion nothing is left except retained volumes.

use crate::support::{Model, eventually, run, seconds};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Pod, Service, ServiceAccount};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::ResourceExt;
use kube::api::ListParams;
use maquette_contract::keys;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

/// The names of the objects with the Architecture's label.
async fn names<K>(model: &Model) -> Result<Vec<String>, String>
where
    K: kube::Resource<Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
    K::DynamicType: Default,
{
    let labels = format!("{}={}", keys::LABEL_ARCHITECTURE, model.name);
    let list = model.api::<K>().list(&ListParams::default().labels(&labels)).await;
    let list = list.map_err(|error| error.to_string())?;
    Ok(list.items.iter().map(ResourceExt::name_any).collect())
}

/// Waits until only claims are left.
async fn await_children_gone(model: &Model) {
    eventually("all children are gone", seconds(120), async || {
        let mut left = names::<Deployment>(model).await?;
        left.extend(names::<StatefulSet>(model).await?);
        left.extend(names::<Pod>(model).await?);
        left.extend(names::<Service>(model).await?);
        left.extend(names::<ConfigMap>(model).await?);
        left.extend(names::<ServiceAccount>(model).await?);
        left.extend(names::<PodDisruptionBudget>(model).await?);
        if left.is_empty() { Ok(()) } else { Err(format!("left: {left:?}")) }
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: make e2e"]
async fn deletion_leaves_nothing_where_volumes_are_deleted() {
    let manifest = "
apiVersion: maquette.dev/v1alpha1
kind: Architecture
metadata: {name: gone}
spec:
  shape: ThreeTier
  retention: {whenDeleted: Delete}
";
    run("all-deleted", manifest, async |model| {
        let claims = names::<PersistentVolumeClaim>(model).await.expect("claims");
        assert_eq!(claims, [format!("data-{}-0", model.child("data"))]);
        model.delete().await;
        await_children_gone(model).await;
        eventually("the claim is gone", seconds(60), async || {
            let left = names::<PersistentVolumeClaim>(model).await?;
            if left.is_empty() { Ok(()) } else { Err(format!("left: {left:?}")) }
        })
        .await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: make e2e"]
async fn a_retained_volume_serves_the_next_architecture_of_the_name() {
    let manifest = "
apiVersion: maquette.dev/v1alpha1
kind: Architecture
metadata: {name: again}
spec:
  shape: ClientServer
  retention: {whenDeleted: Retain}
  load: {requestsPerSecond: 0}
";
    run("volume-retained", manifest, async |model| {
        let written = model.write_many("books", 10).await;
        let claims = names::<PersistentVolumeClaim>(model).await.expect("claims");
        model.delete().await;
        await_children_gone(model).await;
        assert_eq!(names::<PersistentVolumeClaim>(model).await.expect("claims"), claims);
        model.apply(manifest).await;
        model.await_ready().await;
        model.read_all_back(&written).await;
    })
    .await;
}
