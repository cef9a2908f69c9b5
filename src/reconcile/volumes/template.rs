//! Claim templates of a StatefulSet follow the specification although they are immutable: the
//! StatefulSet is deleted without its pods, created again, and adopts them.
//!
//! An operator that stops in between leaves running pods without a StatefulSet; the next reconcile
//! creates it.

use super::{
    super::{
        apply::{Child, delete_object, ensure_owned},
        context::ReconcileContext,
        error::ApplyError,
        outcome::ReconcileOutcome,
        watch::Cache,
    },
    claims::{claim_templates, requested_size, storage_class},
    ownership::claim_owners,
};
use crate::{
    api::{Quantity, Retention},
    observe::IssueKind,
};
use k8s_openapi::api::apps::v1::StatefulSet;
use kube::{ResourceExt, api::DeleteParams};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long the garbage collector may take to orphan the pods in this reconcile. After that the
/// watch delivers the deletion.
const ORPHAN_TIMEOUT: Duration = Duration::from_secs(10);
const CHECK_INTERVAL: Duration = Duration::from_millis(20);

/// Gives `set` the claim templates of the live StatefulSet, or deletes that one, if it is outdated,
/// so that it can be created with new ones.
pub(super) async fn fit_templates(
    cx: &ReconcileContext<'_>,
    set: &mut StatefulSet,
    retention: &Retention,
    outcome: &mut ReconcileOutcome,
) {
    let live = cx.shared.caches.stateful_sets.get(cx.key(), &set.name_any());
    let live_templates = match live {
        None => None,
        Some(live)
            if !outcome.skipped_sets.contains(&set.name_any()) && is_outdated(cx, set, &live) =>
        {
            let result = delete_keeping_pods(cx, &live).await;
            if outcome.record_result(result).is_none() {
                outcome.skipped_sets.insert(set.name_any());
            }
            None
        }
        Some(live) => Some(claim_templates(&live).to_vec()),
    };
    let Some(spec) = set.spec.as_mut().filter(|spec| spec.volume_claim_templates.is_some()) else {
        return;
    };
    if let Some(templates) = live_templates {
        spec.volume_claim_templates = Some(templates);
        return;
    }
    // While everything is being deleted, the StatefulSet's controller may create a claim again
    // after its deletion. With the Architecture as its owner, that claim is deleted too.
    let owners = claim_owners(cx, retention);
    for template in spec.volume_claim_templates.iter_mut().flatten() {
        template.metadata.owner_references.clone_from(&owners);
    }
}

/// Whether the live StatefulSet is ours and its volumes differ from the desired ones.
fn is_outdated(cx: &ReconcileContext<'_>, desired: &StatefulSet, live: &StatefulSet) -> bool {
    sizes_and_classes(desired) != sizes_and_classes(live)
        && ensure_owned(cx, desired, &live.metadata).is_ok()
}

fn sizes_and_classes(set: &StatefulSet) -> Vec<(Option<Quantity>, Option<&str>)> {
    let templates = claim_templates(set).iter();
    templates
        .map(|claim| (requested_size(claim).map(|size| size.amount), storage_class(claim)))
        .collect()
}

/// Deletes `live`, leaves its pods running, and returns once the cache shows the deletion.
pub(super) async fn delete_keeping_pods(
    cx: &ReconcileContext<'_>,
    live: &StatefulSet,
) -> Result<(), ApplyError> {
    let reason = "deleting it without its pods, for volumes of another size or class";
    delete_object(cx, live, DeleteParams::orphan(), reason).await?;
    wait_until_gone(cx, &cx.shared.caches.stateful_sets, live).await
}

/// Waits until the cache no longer shows `live`.
pub(super) async fn wait_until_gone<K: Child>(
    cx: &ReconcileContext<'_>,
    cache: &Cache<K>,
    live: &K,
) -> Result<(), ApplyError> {
    let deadline = Instant::now() + ORPHAN_TIMEOUT;
    loop {
        let cached = cache.get(cx.key(), &live.name_any());
        if cached.is_none_or(|cached| cached.uid() != live.uid()) {
            return Ok(());
        }
        if Instant::now() > deadline {
            let message = format!(
                "waiting for {} to be deleted before it is created again",
                live.display_name()
            );
            return Err(ApplyError::from_issue(IssueKind::Removal, message));
        }
        sleep(CHECK_INTERVAL).await;
    }
}
