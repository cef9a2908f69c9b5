//! Deletes the Architecture's objects that the target no longer contains.

use super::{
    super::{context::ReconcileContext, outcome::ReconcileOutcome, watch::Cache},
    child::Child,
    delete::delete_object,
};
use crate::render::ObjectsByKind;
use kube::{ResourceExt, api::DeleteParams};

/// Deletes the objects that the Architecture controls and that are not among `objects`. Deletes
/// nothing if an object that replaces them has an issue or cannot be made.
pub(in crate::reconcile) async fn prune_objects(
    cx: &ReconcileContext<'_>,
    objects: &ObjectsByKind,
    outcome: &mut ReconcileOutcome,
) {
    if !outcome.can_delete() {
        return;
    }
    let ObjectsByKind {
        // There is one, of the Architecture's own name.
        service_accounts: _,
        config_maps,
        services,
        deployments,
        stateful_sets,
        pod_disruption_budgets,
    } = objects;
    let caches = &cx.shared.caches;
    prune_kind(cx, &caches.pod_disruption_budgets, pod_disruption_budgets, outcome).await;
    prune_kind(cx, &caches.deployments, deployments, outcome).await;
    prune_kind(cx, &caches.stateful_sets, stateful_sets, outcome).await;
    prune_kind(cx, &caches.services, services, outcome).await;
    prune_kind(cx, &caches.config_maps, config_maps, outcome).await;
}

async fn prune_kind<K: Child>(
    cx: &ReconcileContext<'_>,
    cache: &Cache<K>,
    desired: &[K],
    outcome: &mut ReconcileOutcome,
) {
    for object in cx.owned_objects(cache) {
        if desired.iter().any(|desired| desired.name_any() == object.name_any()) {
            cx.unmark_deleted(object.metadata());
        } else if object.metadata().deletion_timestamp.is_none() && outcome.can_delete() {
            let result = delete_object(cx, &*object, DeleteParams::background(), "deleting").await;
            outcome.record_result(result);
        }
    }
}
