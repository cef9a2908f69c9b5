//! Makes the claims of StatefulSets, and sees to it that each is ours and as large as wanted.

use super::{
    super::{
        apply::Child,
        cache::WriteFence,
        error::{ApplyError, ReconcileError},
        reconcile_context::{ReconcileContext, ReconcileOutcome},
    },
    claims::desired_claims,
    growth,
    ownership::{claim_owners, ensure_adoptable, set_ownership, used_by_annotation},
    storage_class::StorageClasses,
    template,
};
use crate::{api::Retention, observe::IssueKind};
use k8s_openapi::api::{apps::v1::StatefulSet, core::v1::PersistentVolumeClaim as Claim};
use kube::{Api, ResourceExt, api::PostParams};
use maquette_contract::keys::FIELD_MANAGER;
use std::sync::Arc;

/// Makes the claims of `sets` and sees to it that each is ours; a StatefulSet with one that is not
/// is held. Volumes grow first, then the claim templates follow.
pub(in super::super) async fn ensure_claims(
    work: &ReconcileContext<'_>,
    sets: &mut [StatefulSet],
    retention: &Retention,
    outcome: &mut ReconcileOutcome,
) -> Result<(), ReconcileError> {
    let mut classes = StorageClasses::default();
    for set in sets {
        for claim in desired_claims(set) {
            let result = ensure_claim(work, &claim, retention).await;
            match outcome.record_result(result)? {
                Some(live) => {
                    growth::grow_claim(work, &live, &claim, &mut classes, outcome).await?
                }
                None => _ = outcome.held_sets.insert(set.name_any()),
            }
        }
        template::fit_templates(work, set, retention, outcome).await?;
    }
    Ok(())
}

async fn ensure_claim(
    work: &ReconcileContext<'_>,
    claim: &Claim,
    retention: &Retention,
) -> Result<Arc<Claim>, ApplyError> {
    if let Some(live) = work.shared.caches.claims.get(work.key(), &claim.name_any()) {
        return adopt_claim(work, live, retention).await;
    }
    let mut new = claim.clone();
    new.metadata.annotations = Some(used_by_annotation(work));
    new.metadata.owner_references = claim_owners(work, retention);
    let api: Api<Claim> = work.api();
    let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), dry_run: false };
    let failure = |error| ApplyError::from_kube(&claim.display_name(), error);
    match api.create(&params, &new).await {
        Ok(made) => {
            work.record_write(WriteFence::new(
                work.shared.caches.claims.progress(),
                &made.metadata,
            ));
            Ok(Arc::new(made))
        }
        Err(kube::Error::Api(status)) if status.is_already_exists() => {
            match api.get_opt(&claim.name_any()).await.map_err(failure)? {
                Some(live) => adopt_claim(work, Arc::new(live), retention).await,
                None => {
                    let message = format!("{} is going", claim.display_name());
                    Err(ApplyError::from_issue(IssueKind::Removal, message))
                }
            }
        }
        Err(error) => Err(failure(error)),
    }
}

async fn adopt_claim(
    work: &ReconcileContext<'_>,
    live: Arc<Claim>,
    retention: &Retention,
) -> Result<Arc<Claim>, ApplyError> {
    ensure_adoptable(work, &live)?;
    set_ownership(work, &live, retention).await?;
    Ok(live)
}
