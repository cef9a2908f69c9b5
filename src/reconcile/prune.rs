//! Deletes the Architecture's objects that are no longer to be.

use super::{
    apply::Child,
    cache::Cache,
    delete::delete_object,
    error::ReconcileError,
    reconcile_context::{ReconcileContext, ReconcileOutcome},
};
use crate::render::ObjectsByKind;
use kube::{ResourceExt, api::DeleteParams};

/// Deletes what the Architecture owns and what is not among `objects`. Nothing goes while something
/// that is to come in its place has trouble or cannot come.
pub(super) async fn prune_objects(
    work: &ReconcileContext<'_>,
    objects: &ObjectsByKind,
    outcome: &mut ReconcileOutcome,
) -> Result<(), ReconcileError> {
    if !outcome.can_delete() {
        return Ok(());
    }
    // Its name is the Architecture's: there is no other.
    let ObjectsByKind {
        service_accounts: _,
        config_maps,
        services,
        deployments,
        stateful_sets,
        pod_disruption_budgets,
    } = objects;
    let caches = &work.shared.caches;
    prune_kind(work, &caches.pod_disruption_budgets, pod_disruption_budgets, outcome).await?;
    prune_kind(work, &caches.deployments, deployments, outcome).await?;
    prune_kind(work, &caches.stateful_sets, stateful_sets, outcome).await?;
    prune_kind(work, &caches.services, services, outcome).await?;
    prune_kind(work, &caches.config_maps, config_maps, outcome).await
}

async fn prune_kind<K: Child>(
    work: &ReconcileContext<'_>,
    cache: &Cache<K>,
    wanted: &[K],
    outcome: &mut ReconcileOutcome,
) -> Result<(), ReconcileError> {
    for object in work.owned_objects(cache) {
        let is_wanted = wanted.iter().any(|wanted| wanted.name_any() == object.name_any());
        if is_wanted {
            work.unmark_deleted(object.metadata());
        } else if object.metadata().deletion_timestamp.is_none() {
            let result =
                delete_object(work, &*object, DeleteParams::background(), "deleting").await;
            outcome.record_result(result)?;
        }
    }
    Ok(())
}
