//! Makes the claims of StatefulSets, and sees to it that each is ours and as large as wanted.

use super::{
    super::{
        apply::Child,
        cache::Mark,
        error::{Error, Failure},
        work::{Outcome, Work},
    },
    claims::claims,
    class::Classes,
    growth,
    ownership::{ours, own, owners, used},
    template,
};
use crate::{api::Retention, observe::IssueKind};
use k8s_openapi::api::{apps::v1::StatefulSet, core::v1::PersistentVolumeClaim as Claim};
use kube::{Api, ResourceExt, api::PostParams};
use maquette_contract::keys::FIELD_MANAGER;
use std::sync::Arc;

/// Makes the claims of `sets` and sees to it that each is ours; a StatefulSet with one that is not
/// is held. Volumes grow first, then the claim templates follow.
pub(in super::super) async fn ensure(
    work: &Work<'_>,
    sets: &mut [StatefulSet],
    retention: &Retention,
    outcome: &mut Outcome,
) -> Result<(), Error> {
    let mut classes = Classes::default();
    for set in sets {
        for claim in claims(set) {
            let result = ensure_one(work, &claim, retention).await;
            match outcome.take(result)? {
                Some(live) => growth::see_to(work, &live, &claim, &mut classes, outcome).await?,
                None => _ = outcome.held.insert(set.name_any()),
            }
        }
        template::fit(work, set, retention, outcome).await?;
    }
    Ok(())
}

async fn ensure_one(
    work: &Work<'_>,
    claim: &Claim,
    retention: &Retention,
) -> Result<Arc<Claim>, Failure> {
    if let Some(live) = work.cx.caches.claims.get(work.key(), &claim.name_any()) {
        return adopt(work, live, retention).await;
    }
    let mut new = claim.clone();
    new.metadata.annotations = Some(used(work));
    new.metadata.owner_references = owners(work, retention);
    let api: Api<Claim> = work.api();
    let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), dry_run: false };
    let failure = |error| Failure::of(&claim.title(), error);
    match api.create(&params, &new).await {
        Ok(made) => {
            work.wrote(Mark::new(work.cx.caches.claims.progress(), &made.metadata));
            Ok(Arc::new(made))
        }
        Err(kube::Error::Api(status)) if status.is_already_exists() => {
            match api.get_opt(&claim.name_any()).await.map_err(failure)? {
                Some(live) => adopt(work, Arc::new(live), retention).await,
                None => {
                    let message = format!("{} is going", claim.title());
                    Err(Failure::trouble(IssueKind::Removal, message))
                }
            }
        }
        Err(error) => Err(failure(error)),
    }
}

async fn adopt(
    work: &Work<'_>,
    live: Arc<Claim>,
    retention: &Retention,
) -> Result<Arc<Claim>, Failure> {
    ours(work, &live)?;
    own(work, &live, retention).await?;
    Ok(live)
}
