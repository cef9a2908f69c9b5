//! Which Architecture a claim belongs to, and whether it is deleted with it.

use super::super::{
    apply::{Child, patch_metadata},
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

/// Refuses a claim of another owner, and one that is being deleted.
pub(super) fn ensure_adoptable(cx: &ReconcileContext<'_>, live: &Claim) -> Result<(), ApplyError> {
    let claim = live.display_name();
    if is_terminating(cx, live) {
        let message =
            format!("waiting for {claim} of an earlier Architecture or component to be removed");
        return Err(ApplyError::from_issue(IssueKind::Removal, message));
    }
    if is_labelled(cx, live) {
        return Ok(());
    }
    let message = format!(
        "{claim} exists and is not part of this Architecture: rename the Architecture, or delete \
         that claim if its data is not needed"
    );
    Err(ApplyError::from_issue(IssueKind::Conflict, message))
}

/// Whether the claim's label names an Architecture of this name.
pub(super) fn is_labelled(cx: &ReconcileContext<'_>, live: &Claim) -> bool {
    live.labels().get(LABEL_ARCHITECTURE) == Some(&cx.key().name)
}

/// Whether the claim is being deleted, or will be with an earlier Architecture of the same name.
pub(super) fn is_terminating(cx: &ReconcileContext<'_>, live: &Claim) -> bool {
    let name = &cx.key().name;
    let has_earlier_owner = architecture_owners(&live.metadata)
        .any(|owner| owner.name == *name && owner.uid != cx.uid());
    live.metadata.deletion_timestamp.is_some() || has_earlier_owner
}

/// Whether the Architecture of this UID used the claim. One that only an earlier Architecture of
/// the same name used does not count.
pub(super) fn was_used(cx: &ReconcileContext<'_>, live: &Claim) -> bool {
    is_annotated(cx, live) || live.owner_references().iter().any(|owner| owner.uid == cx.uid())
}

fn is_annotated(cx: &ReconcileContext<'_>, live: &Claim) -> bool {
    live.annotations().get(ANNOTATION_USED_BY).is_some_and(|uid| uid == cx.uid())
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
    let desired = claim_owners(cx, retention);
    let (own, others): (Vec<_>, Vec<_>) =
        live.owner_references().iter().cloned().partition(|owner| owner.uid == cx.uid());
    if is_annotated(cx, live) && own.is_empty() == desired.is_none() {
        return Ok(());
    }
    let metadata = ObjectMeta {
        uid: live.uid(),
        resource_version: live.resource_version(),
        annotations: Some(used_by_annotation(cx)),
        owner_references: Some(others.into_iter().chain(desired.into_iter().flatten()).collect()),
        ..ObjectMeta::default()
    };
    match patch_metadata::<Claim>(&cx.api(), &live.name_any(), metadata).await {
        Ok(written) => {
            cx.record_write(cx.shared.caches.claims.write_fence(&written.metadata));
            Ok(())
        }
        // It changed meanwhile: the watch delivers that, and the next reconcile tries again.
        Err(kube::Error::Api(status)) if status.is_conflict() => Ok(()),
        Err(error) => Err(ApplyError::from_kube(&live.display_name(), error)),
    }
}
