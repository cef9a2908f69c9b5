//! Whose a claim is, and with whom it goes.

use super::super::{
    apply::{Child, patch_metadata},
    cache::WriteFence,
    error::ApplyError,
    key::architecture_owners,
    reconcile_context::ReconcileContext,
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

/// Refuses what is somebody else's, and waits for what is on its way out.
pub(super) fn ensure_adoptable(
    work: &ReconcileContext<'_>,
    live: &Claim,
) -> Result<(), ApplyError> {
    let title = live.display_name();
    if is_terminating(work, live) {
        let message =
            format!("waiting for {title} of an earlier Architecture or component to be removed");
        return Err(ApplyError::from_issue(IssueKind::Removal, message));
    }
    if is_labelled(work, live) {
        return Ok(());
    }
    let message = format!(
        "{title} exists and is not part of this Architecture: rename the Architecture, or delete \
         that claim if nobody needs what is on it"
    );
    Err(ApplyError::from_issue(IssueKind::Conflict, message))
}

/// Whether the claim says that it is of an Architecture of this name.
pub(super) fn is_labelled(work: &ReconcileContext<'_>, live: &Claim) -> bool {
    live.labels().get(LABEL_ARCHITECTURE) == Some(&work.key().name)
}

/// Whether the claim is being deleted, or will be with an earlier Architecture of the same name.
pub(super) fn is_terminating(work: &ReconcileContext<'_>, live: &Claim) -> bool {
    let name = &work.key().name;
    let earlier = architecture_owners(&live.metadata)
        .any(|owner| owner.name == *name && owner.uid != work.uid());
    live.metadata.deletion_timestamp.is_some() || earlier
}

/// Whether this very Architecture used the claim, and not only an earlier one of the same name.
pub(super) fn is_used(work: &ReconcileContext<'_>, live: &Claim) -> bool {
    let uid = work.uid();
    live.annotations().get(ANNOTATION_USED_BY).is_some_and(|user| user == uid)
        || live.owner_references().iter().any(|owner| owner.uid == uid)
}

/// What says that this Architecture uses a claim.
pub(super) fn used_by_annotation(work: &ReconcileContext<'_>) -> BTreeMap<String, String> {
    [(ANNOTATION_USED_BY.to_owned(), work.uid().to_owned())].into()
}

/// The owners of a new claim: with one it goes with the Architecture, without it stays.
pub(super) fn claim_owners(
    work: &ReconcileContext<'_>,
    retention: &Retention,
) -> Option<Vec<OwnerReference>> {
    (retention.when_deleted == RetentionPolicy::Delete).then(|| vec![owner_reference(work)])
}

fn owner_reference(work: &ReconcileContext<'_>) -> OwnerReference {
    OwnerReference {
        controller: None,
        block_owner_deletion: None,
        ..work.architecture.owner_ref(&()).unwrap_or_default()
    }
}

/// Makes `live` this Architecture's, so that it is deleted with it or not as `retention` says.
pub(super) async fn set_ownership(
    work: &ReconcileContext<'_>,
    live: &Claim,
    retention: &Retention,
) -> Result<(), ApplyError> {
    let wanted = claim_owners(work, retention);
    let (own, others): (Vec<_>, Vec<_>) =
        live.owner_references().iter().cloned().partition(|owner| owner.uid == work.uid());
    let marked = live.annotations().get(ANNOTATION_USED_BY).is_some_and(|uid| uid == work.uid());
    if marked && own.is_empty() == wanted.is_none() {
        return Ok(());
    }
    let metadata = ObjectMeta {
        uid: live.uid(),
        resource_version: live.resource_version(),
        annotations: Some(used_by_annotation(work)),
        owner_references: Some(others.into_iter().chain(wanted.into_iter().flatten()).collect()),
        ..ObjectMeta::default()
    };
    match patch_metadata::<Claim>(&work.api(), &live.name_any(), metadata).await {
        Ok(made) => {
            work.record_write(WriteFence::new(
                work.shared.caches.claims.progress(),
                &made.metadata,
            ));
            Ok(())
        }
        // It changed meanwhile: the watch will tell, and then it is tried again.
        Err(kube::Error::Api(status)) if status.is_conflict() => Ok(()),
        Err(error) => Err(ApplyError::from_kube(&live.display_name(), error)),
    }
}
