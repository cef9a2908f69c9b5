//! Creates the claims of StatefulSets, with the owner and the size that are specified.

use super::{
    super::{
        apply::{
            Child, MAX_ATTEMPTS, MAX_WRITES_AT_ONCE, NameCheck, check_names_of_kind, create_params,
        },
        context::ReconcileContext,
        error::ApplyError,
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
use futures::{FutureExt, StreamExt, stream};
use k8s_openapi::api::{apps::v1::StatefulSet, core::v1::PersistentVolumeClaim as Claim};
use kube::{Api, ResourceExt};
use maquette_contract::keys::LABEL_ARCHITECTURE;
use std::sync::Arc;

/// Checks the names of the claims of `sets`.
pub(in crate::reconcile) async fn check_claim_names(
    cx: &ReconcileContext<'_>,
    sets: &[StatefulSet],
) -> NameCheck {
    let claims: Vec<Claim> = sets.iter().flat_map(desired_claims).collect();
    let unwatched = format!("!{LABEL_ARCHITECTURE}");
    check_names_of_kind(cx, &cx.shared.caches.claims, &unwatched, &claims, ensure_adoptable).await
}

/// Creates the claims of `sets`; skips a StatefulSet if one of its claims is not ours. Claims grow
/// before the claim templates follow.
pub(in crate::reconcile) async fn ensure_claims(
    cx: &ReconcileContext<'_>,
    sets: &mut [StatefulSet],
    retention: &Retention,
    snapshot: &Snapshot,
    outcome: &mut ReconcileOutcome,
) {
    let mut classes = StorageClasses::default();
    for set in sets {
        let result = remake_claims(cx, set, snapshot).await;
        outcome.record_result(result);
        let claims = desired_claims(set);
        let writes =
            claims.iter().map(|claim| ensure_claim(cx, claim, retention, snapshot).boxed());
        let writes: Vec<_> = writes.collect();
        let mut results = stream::iter(writes).buffered(MAX_WRITES_AT_ONCE);
        for claim in &claims {
            let Some(result) = results.next().await else { break };
            match outcome.record_result(result) {
                Some(live) => {
                    outcome.applied.volume_notes.extend(marked_for_deletion(cx, &live, snapshot));
                    let grown = grow_claim(cx, &live, claim, &mut classes, outcome).await;
                    outcome.record_result(grown);
                }
                None => _ = outcome.skipped_sets.insert(set.name_any()),
            }
        }
        if !outcome.can_continue() {
            return;
        }
        drop(results);
        fit_templates(cx, set, retention, outcome).await;
    }
}

async fn ensure_claim(
    cx: &ReconcileContext<'_>,
    claim: &Claim,
    retention: &Retention,
    snapshot: &Snapshot,
) -> Result<Arc<Claim>, ApplyError> {
    if let Some(live) = cx.shared.caches.claims.get(cx.key(), &claim.name_any()) {
        if marked_for_deletion(cx, &live, snapshot).is_some() {
            return Ok(live);
        }
        return adopt_claim(cx, claim, live, retention).await;
    }
    let mut new = claim.clone();
    new.metadata.annotations = Some(used_by_annotation(cx));
    new.metadata.owner_references = claim_owners(cx, retention);
    let api: Api<Claim> = cx.api();
    let failure = |error| ApplyError::from_kube(&claim.display_name(), &error);
    for _ in 0..MAX_ATTEMPTS {
        match api.create(&create_params(), &new).await {
            Ok(created) => {
                cx.record_write(cx.shared.caches.claims.write_fence(&created.metadata));
                return Ok(Arc::new(created));
            }
            // It exists and the cache is behind, or a quota changed at the same time.
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            Err(error) => return Err(failure(error)),
        }
        if let Some(live) = api.get_opt(&claim.name_any()).await.map_err(failure)? {
            return adopt_claim(cx, claim, Arc::new(live), retention).await;
        }
    }
    let message = format!("waiting for {} to be removed", claim.display_name());
    Err(ApplyError::from_issue(IssueKind::Removal, message))
}

/// That a claim in use was marked for deletion: it stays until its pod ends.
fn marked_for_deletion(
    cx: &ReconcileContext<'_>,
    live: &Claim,
    snapshot: &Snapshot,
) -> Option<VolumeNote> {
    live.metadata.deletion_timestamp.as_ref()?;
    let pod = user_of(snapshot, &live.metadata)?;
    if !has_volume(live)
        || !was_used(cx, &live.metadata)
        || pod.metadata.deletion_timestamp.is_some()
    {
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
    claim: &Claim,
    live: Arc<Claim>,
    retention: &Retention,
) -> Result<Arc<Claim>, ApplyError> {
    ensure_adoptable(cx, claim, &live.metadata)?;
    set_ownership(cx, &live, retention).await?;
    Ok(live)
}
