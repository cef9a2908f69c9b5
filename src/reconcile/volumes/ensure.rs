//! Creates the claims of StatefulSets, with the owner and the size that are specified.

use super::{
    super::{
        apply::{Child, create_params},
        context::ReconcileContext,
        error::{ApplyError, ReconcileError},
        outcome::ReconcileOutcome,
    },
    claims::desired_claims,
    growth::grow_claim,
    ownership::{claim_owners, ensure_adoptable, set_ownership, used_by_annotation, was_used},
    remake::remake_claims,
    storage_class::StorageClasses,
    template::fit_templates,
};
use crate::{
    api::Retention,
    observe::{IssueKind, Snapshot, VolumeNote, has_volume, user_of},
};
use k8s_openapi::api::{apps::v1::StatefulSet, core::v1::PersistentVolumeClaim as Claim};
use kube::{Api, ResourceExt};
use std::sync::Arc;

/// Creates the claims of `sets`; skips a StatefulSet if one of its claims is not ours. Claims grow
/// before the claim templates follow.
pub(in crate::reconcile) async fn ensure_claims(
    cx: &ReconcileContext<'_>,
    sets: &mut [StatefulSet],
    retention: &Retention,
    snapshot: &Snapshot,
    outcome: &mut ReconcileOutcome,
) -> Result<(), ReconcileError> {
    let mut classes = StorageClasses::default();
    for set in sets {
        let result = remake_claims(cx, set, snapshot).await;
        outcome.record_result(result)?;
        for claim in desired_claims(set) {
            let result = ensure_claim(cx, &claim, retention, snapshot, outcome).await;
            match outcome.record_result(result)? {
                Some(live) => grow_claim(cx, &live, &claim, &mut classes, outcome).await?,
                None => _ = outcome.skipped_sets.insert(set.name_any()),
            }
        }
        fit_templates(cx, set, retention, outcome).await?;
    }
    Ok(())
}

async fn ensure_claim(
    cx: &ReconcileContext<'_>,
    claim: &Claim,
    retention: &Retention,
    snapshot: &Snapshot,
    outcome: &mut ReconcileOutcome,
) -> Result<Arc<Claim>, ApplyError> {
    if let Some(live) = cx.shared.caches.claims.get(cx.key(), &claim.name_any()) {
        if let Some(note) = marked_for_deletion(cx, &live, snapshot) {
            outcome.applied.volume_notes.push(note);
            return Ok(live);
        }
        return adopt_claim(cx, live, retention).await;
    }
    let mut new = claim.clone();
    new.metadata.annotations = Some(used_by_annotation(cx));
    new.metadata.owner_references = claim_owners(cx, retention);
    let api: Api<Claim> = cx.api();
    match api.create(&create_params(), &new).await {
        Ok(created) => {
            cx.record_write(cx.shared.caches.claims.write_fence(&created.metadata));
            Ok(Arc::new(created))
        }
        Err(kube::Error::Api(status)) if status.is_already_exists() => {
            let live = api
                .get_opt(&claim.name_any())
                .await
                .map_err(|error| ApplyError::from_kube(&claim.display_name(), error))?;
            let Some(live) = live else {
                let message = format!("waiting for {} to be removed", claim.display_name());
                return Err(ApplyError::from_issue(IssueKind::Removal, message));
            };
            adopt_claim(cx, Arc::new(live), retention).await
        }
        Err(error) => Err(ApplyError::from_kube(&claim.display_name(), error)),
    }
}

/// That a claim in use was marked for deletion: it stays until its pod ends.
fn marked_for_deletion(
    cx: &ReconcileContext<'_>,
    live: &Claim,
    snapshot: &Snapshot,
) -> Option<VolumeNote> {
    live.metadata.deletion_timestamp.as_ref()?;
    let pod = user_of(snapshot, &live.metadata)?;
    if !has_volume(live) || !was_used(cx, live) || pod.metadata.deletion_timestamp.is_some() {
        return None;
    }
    Some(VolumeNote::Terminating(format!(
        "{} was marked for deletion, which cannot be taken back: its data is deleted when pod {} \
         ends. Copy what is needed before that pod restarts",
        live.display_name(),
        pod.name_any()
    )))
}

async fn adopt_claim(
    cx: &ReconcileContext<'_>,
    live: Arc<Claim>,
    retention: &Retention,
) -> Result<Arc<Claim>, ApplyError> {
    ensure_adoptable(cx, &live)?;
    set_ownership(cx, &live, retention).await?;
    Ok(live)
}
