//! Claims that have no volume yet follow the specification: they are deleted and created again, for
//! another StorageClass or a smaller size. Nothing can be lost.

use super::{
    super::{apply::Child, context::ReconcileContext, error::ApplyError},
    claims::{claim_templates, desired_claims, requested_size, storage_class},
    ownership::{is_labelled, was_used},
    template::{delete_keeping_pods, wait_until_gone},
};
use crate::observe::{Snapshot, StorageClassNames, has_volume};
use k8s_openapi::api::{apps::v1::StatefulSet, core::v1::PersistentVolumeClaim as Claim};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Preconditions},
};
use std::sync::Arc;

/// Deletes the claims of `set` without a volume that are not as specified, so that they can be
/// created again.
pub(super) async fn remake_claims(
    cx: &ReconcileContext<'_>,
    set: &StatefulSet,
    snapshot: &Snapshot,
) -> Result<(), ApplyError> {
    let live_set = cx.shared.caches.stateful_sets.get(cx.key(), &set.name_any());
    let classes = snapshot.causes.storage_classes.as_ref();
    let mut outdated: Vec<Arc<Claim>> = vec![];
    for desired in desired_claims(set) {
        let Some(live) = cx.shared.caches.claims.get(cx.key(), &desired.name_any()) else {
            continue;
        };
        if is_ours_without_volume(cx, &live)
            && is_outdated(&live, &desired, live_set.as_deref(), classes)
        {
            outdated.push(live);
        }
    }
    if outdated.is_empty() {
        return Ok(());
    }
    // First: its controller would create the claims again from its old templates.
    if let Some(live_set) = live_set {
        delete_keeping_pods(cx, &live_set).await?;
    }
    for claim in outdated {
        delete_unbound(cx, &claim).await?;
    }
    Ok(())
}

fn is_ours_without_volume(cx: &ReconcileContext<'_>, live: &Claim) -> bool {
    live.metadata.deletion_timestamp.is_none()
        && !has_volume(live)
        && is_labelled(cx, &live.metadata)
        && was_used(cx, &live.metadata)
}

/// Whether the claim has another StorageClass than specified, or requests more.
fn is_outdated(
    live: &Claim,
    desired: &Claim,
    live_set: Option<&StatefulSet>,
    classes: Option<&StorageClassNames>,
) -> bool {
    let is_larger = requested_size(live).map(|size| size.amount)
        > requested_size(desired).map(|size| size.amount);
    let class = storage_class(live);
    let has_other_class = match storage_class(desired) {
        Some(wanted) => class != Some(wanted),
        // Without a class in the specification, the claim has the default one since its creation,
        // or one that was specified before.
        None => class.is_some_and(|class| {
            let template = live_set.and_then(|set| claim_templates(set).first());
            let was_specified = template.and_then(storage_class) == Some(class);
            let is_missing =
                classes.is_some_and(|classes| !classes.names.iter().any(|name| name == class));
            was_specified || is_missing
        }),
    };
    is_larger || has_other_class
}

/// Deletes a claim unless it has a volume by now, and returns once the cache shows the deletion.
async fn delete_unbound(cx: &ReconcileContext<'_>, claim: &Claim) -> Result<(), ApplyError> {
    let api: Api<Claim> = cx.api();
    let (name, object) = (claim.name_any(), claim.display_name());
    // Read again: the cached claim may have a volume by now.
    let live = api.get_opt(&name).await.map_err(|error| ApplyError::from_kube(&object, &error))?;
    let Some(live) = live.filter(|live| live.uid() == claim.uid() && !has_volume(live)) else {
        return Ok(());
    };
    tracing::info!(
        architecture = %cx.key(), claim = name, "deleting a claim without a volume, to create it again"
    );
    let unchanged = Preconditions { uid: live.uid(), resource_version: live.resource_version() };
    match api.delete(&name, &DeleteParams::background().preconditions(unchanged)).await {
        Ok(_) => wait_until_gone(cx, &cx.shared.caches.claims, claim).await,
        // It was bound or deleted meanwhile: the watch delivers that.
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(()),
        Err(error) => Err(ApplyError::from_kube(&object, &error)),
    }
}
