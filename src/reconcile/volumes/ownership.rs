//! Which Architecture a claim belongs to, and whether it is deleted with it.

use super::super::{
    apply::{Child, name_conflict, patch_metadata},
    context::ReconcileContext,
    error::ApplyError,
    key::architecture_owners,
};
use crate::{
    api::{Retention, RetentionPolicy},
    observe::IssueKind,
};
use k8s_openapi::{
    api::core::v1::PersistentVolumeClaim as Claim,
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference},
};
use kube::{Resource, ResourceExt};
use maquette_contract::keys::{ANNOTATION_USED_BY, LABEL_ARCHITECTURE};
use std::collections::BTreeMap;

/// Attempts to set the owner of one claim. Other controllers change it too.
const MAX_ATTEMPTS: u32 = 4;

/// Refuses a claim of another owner, and one that is being deleted. `desired` is the claim that needs
/// the name, and `live` the one that has it.
pub(super) fn ensure_adoptable(
    cx: &ReconcileContext<'_>,
    desired: &Claim,
    live: &ObjectMeta,
) -> Result<(), ApplyError> {
    if is_terminating(cx, live) {
        let claim = desired.display_name();
        let message =
            format!("waiting for {claim} of an earlier Architecture or component to be removed");
        return Err(ApplyError::from_issue(IssueKind::Removal, message));
    }
    match is_labelled(cx, live) {
        true => Ok(()),
        false => Err(name_conflict(cx, desired, live)),
    }
}

/// Whether the claim's label names an Architecture of this name.
pub(super) fn is_labelled(cx: &ReconcileContext<'_>, live: &ObjectMeta) -> bool {
    let label = live.labels.as_ref().and_then(|labels| labels.get(LABEL_ARCHITECTURE));
    label == Some(&cx.key().name)
}

/// Whether the claim is being deleted, or will be with an earlier Architecture of the same name.
pub(super) fn is_terminating(cx: &ReconcileContext<'_>, live: &ObjectMeta) -> bool {
    let name = &cx.key().name;
    let has_earlier_owner =
        architecture_owners(live).any(|owner| owner.name == *name && owner.uid != cx.uid());
    live.deletion_timestamp.is_some() || has_earlier_owner
}

/// Whether the Architecture of this UID used the claim. One that only an earlier Architecture of
/// the same name used does not count.
pub(super) fn was_used(cx: &ReconcileContext<'_>, live: &ObjectMeta) -> bool {
    let mut owners = live.owner_references.iter().flatten();
    is_annotated(cx, live) || owners.any(|owner| owner.uid == cx.uid())
}

fn is_annotated(cx: &ReconcileContext<'_>, live: &ObjectMeta) -> bool {
    let user = live.annotations.as_ref().and_then(|all| all.get(ANNOTATION_USED_BY));
    user.is_some_and(|uid| uid == cx.uid())
}

/// The annotation of a claim that this Architecture uses.
pub(super) fn used_by_annotation(cx: &ReconcileContext<'_>) -> BTreeMap<String, String> {
    [(ANNOTATION_USED_BY.to_owned(), cx.uid().to_owned())].into()
}

/// The owners of a new claim. With one, the claim is deleted with the Architecture; without, it
/// stays.
pub(super) fn claim_owners(
    cx: &ReconcileContext<'_>,
    retention: &Retention,
) -> Option<Vec<OwnerReference>> {
    (retention.when_deleted == RetentionPolicy::Delete).then(|| vec![owner_reference(cx)])
}

fn owner_reference(cx: &ReconcileContext<'_>) -> OwnerReference {
    OwnerReference {
        controller: None,
        block_owner_deletion: None,
        ..cx.architecture.owner_ref(&()).unwrap_or_default()
    }
}

/// Marks `live` as used by this Architecture, and makes it its owner or not as `retention` says.
pub(super) async fn set_ownership(
    cx: &ReconcileContext<'_>,
    live: &Claim,
    retention: &Retention,
) -> Result<(), ApplyError> {
    let mut metadata = live.metadata.clone();
    for _ in 0..MAX_ATTEMPTS {
        let Some(patch) = ownership_patch(cx, &metadata, retention) else { return Ok(()) };
        let name = live.name_any();
        match patch_metadata::<Claim>(&cx.api(), &name, patch).await {
            Ok(written) => {
                cx.record_write(cx.shared.caches.claims.write_fence(&written.metadata));
                return Ok(());
            }
            // It changed since it was read: the cache is behind.
            Err(kube::Error::Api(status)) if status.is_conflict() => {}
            Err(kube::Error::Api(status)) if status.is_not_found() => return Ok(()),
            Err(error) => return Err(ApplyError::from_kube(&live.display_name(), &error)),
        }
        let current = cx
            .api::<Claim>()
            .get_metadata_opt(&name)
            .await
            .map_err(|error| ApplyError::from_kube(&live.display_name(), &error))?;
        match current.filter(|current| current.metadata.uid == live.metadata.uid) {
            Some(current) => metadata = current.metadata,
            // It was deleted, or a new claim has its name: the watch delivers that.
            None => return Ok(()),
        }
    }
    let message = format!(
        "{}: it changed during each of {MAX_ATTEMPTS} attempts to set its owner",
        live.display_name()
    );
    Err(ApplyError::from_issue(IssueKind::Unavailable, message))
}

/// The metadata to change; none if `live` is as it should be.
fn ownership_patch(
    cx: &ReconcileContext<'_>,
    live: &ObjectMeta,
    retention: &Retention,
) -> Option<ObjectMeta> {
    let desired = claim_owners(cx, retention);
    let owners = live.owner_references.iter().flatten().cloned();
    let (own, others): (Vec<_>, Vec<_>) = owners.partition(|owner| owner.uid == cx.uid());
    if is_annotated(cx, live) && own.is_empty() == desired.is_none() {
        return None;
    }
    Some(ObjectMeta {
        uid: live.uid.clone(),
        resource_version: live.resource_version.clone(),
        annotations: Some(used_by_annotation(cx)),
        owner_references: Some(others.into_iter().chain(desired.into_iter().flatten()).collect()),
        ..ObjectMeta::default()
    })
}
