//! Adopts objects with our labels that have no controller, as after a restore from a backup.

use super::{
    super::{
        context::ReconcileContext, error::ApplyError, outcome::ReconcileOutcome, watch::Cache,
    },
    child::{Child, patch_metadata},
};
use crate::observe::is_orphan_of;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::{Resource, ResourceExt};

/// Makes the Architecture the controller of all objects that it may adopt, also of those that are
/// not desired: they are pruned only after that.
pub(in crate::reconcile) async fn adopt_orphans(
    cx: &ReconcileContext<'_>,
    outcome: &mut ReconcileOutcome,
) {
    let caches = &cx.shared.caches;
    adopt_kind(cx, &caches.service_accounts, outcome).await;
    adopt_kind(cx, &caches.config_maps, outcome).await;
    adopt_kind(cx, &caches.services, outcome).await;
    adopt_kind(cx, &caches.deployments, outcome).await;
    adopt_kind(cx, &caches.stateful_sets, outcome).await;
    adopt_kind(cx, &caches.pod_disruption_budgets, outcome).await;
}

async fn adopt_kind<K: Child>(
    cx: &ReconcileContext<'_>,
    cache: &Cache<K>,
    outcome: &mut ReconcileOutcome,
) {
    for object in cache.objects_of(cx.key()) {
        if is_orphan_of(object.metadata(), &cx.identity) && outcome.can_continue() {
            let result = adopt_object(cx, cache, &*object).await;
            outcome.record_result(result);
        }
    }
}

async fn adopt_object<K: Child>(
    cx: &ReconcileContext<'_>,
    cache: &Cache<K>,
    orphan: &K,
) -> Result<(), ApplyError> {
    let owner = OwnerReference {
        controller: Some(true),
        block_owner_deletion: Some(true),
        ..cx.architecture.owner_ref(&()).unwrap_or_default()
    };
    let others = orphan.owner_references().iter().cloned();
    let metadata = ObjectMeta {
        // Preconditions: it has no other controller meanwhile.
        uid: orphan.uid(),
        resource_version: orphan.resource_version(),
        owner_references: Some(others.chain([owner]).collect()),
        ..ObjectMeta::default()
    };
    tracing::info!(architecture = %cx.key(), object = orphan.display_name(), "adopting");
    match patch_metadata::<K>(&cx.api(), &orphan.name_any(), metadata).await {
        Ok(written) => {
            cx.record_write(cache.write_fence(&written.metadata));
            Ok(())
        }
        // It changed meanwhile: the watch delivers that.
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(()),
        Err(error) => Err(ApplyError::from_kube(&orphan.display_name(), &error)),
    }
}
