//! Claim templates of a StatefulSet follow what is wanted, although they cannot be changed: the
//! StatefulSet is deleted without its pods and made anew, and takes its pods over as they are.
//!
//! Whoever dies in between leaves pods that run and no StatefulSet; the next reconcile makes it.

use super::{
    super::{
        apply::{self, Child},
        delete::delete_object,
        error::{ApplyError, ReconcileError},
        reconcile_context::{ReconcileContext, ReconcileOutcome},
    },
    claims::{requested_size, storage_class},
    ownership::claim_owners,
};
use crate::{api::Retention, observe::IssueKind};
use k8s_openapi::api::{apps::v1::StatefulSet, core::v1::PersistentVolumeClaim as Claim};
use kube::{ResourceExt, api::DeleteParams};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long the garbage collector has to let go of the pods; later the watch will tell.
const ORPHAN_TIMEOUT: Duration = Duration::from_secs(10);
const CHECK_INTERVAL: Duration = Duration::from_millis(20);

/// Fits the claim templates of `set` to those of the StatefulSet that lives, or makes way for new
/// ones.
///
/// In a new one the templates have the Architecture as their owner: while everything is being
/// deleted, its controller may make a claim again that is gone already, and nobody else would
/// remove that.
pub(super) async fn fit_templates(
    work: &ReconcileContext<'_>,
    set: &mut StatefulSet,
    retention: &Retention,
    outcome: &mut ReconcileOutcome,
) -> Result<(), ReconcileError> {
    let live = work.shared.caches.stateful_sets.get(work.key(), &set.name_any());
    let kept = match live {
        None => None,
        Some(live)
            if !outcome.held_sets.contains(&set.name_any()) && is_outdated(work, set, &live) =>
        {
            let result = delete_keeping_pods(work, &live).await;
            if outcome.record_result(result)?.is_none() {
                outcome.held_sets.insert(set.name_any());
            }
            None
        }
        Some(live) => Some(claim_templates(&live).to_vec()),
    };
    let Some(spec) = set.spec.as_mut().filter(|spec| spec.volume_claim_templates.is_some()) else {
        return Ok(());
    };
    if let Some(kept) = kept {
        spec.volume_claim_templates = Some(kept);
        return Ok(());
    }
    let owners = claim_owners(work, retention);
    for template in spec.volume_claim_templates.iter_mut().flatten() {
        template.metadata.owner_references.clone_from(&owners);
    }
    Ok(())
}

fn claim_templates(set: &StatefulSet) -> &[Claim] {
    let spec = set.spec.as_ref();
    spec.and_then(|spec| spec.volume_claim_templates.as_deref()).unwrap_or_default()
}

/// Whether the StatefulSet that lives is ours and would make other volumes than those wanted.
fn is_outdated(work: &ReconcileContext<'_>, wanted: &StatefulSet, live: &StatefulSet) -> bool {
    let volumes = |set| -> Vec<_> {
        let amount = |claim| requested_size(claim).map(|size| size.amount);
        claim_templates(set).iter().map(|claim| (amount(claim), storage_class(claim))).collect()
    };
    volumes(wanted) != volumes(live) && apply::ensure_owned(work, live).is_ok()
}

/// Deletes `live` and leaves its pods as they are; done once it is gone.
async fn delete_keeping_pods(
    work: &ReconcileContext<'_>,
    live: &StatefulSet,
) -> Result<(), ApplyError> {
    let why = "making it anew, beside its pods, for volumes of another size or class";
    delete_object(work, live, DeleteParams::orphan(), why).await?;
    wait_until_gone(work, live).await
}

/// Waits until the cache has seen that `live` is gone.
async fn wait_until_gone(
    work: &ReconcileContext<'_>,
    live: &StatefulSet,
) -> Result<(), ApplyError> {
    let deadline = Instant::now() + ORPHAN_TIMEOUT;
    loop {
        let found = work.shared.caches.stateful_sets.get(work.key(), &live.name_any());
        if found.is_none_or(|found| found.uid() != live.uid()) {
            return Ok(());
        }
        if Instant::now() > deadline {
            let message = format!(
                "waiting for {} to let go of its pods before it is made anew",
                live.display_name()
            );
            return Err(ApplyError::from_issue(IssueKind::Removal, message));
        }
        sleep(CHECK_INTERVAL).await;
    }
}
