//! Applies all of the Architecture's objects.

use super::{
    super::{
        context::ReconcileContext, error::ReconcileError, outcome::ReconcileOutcome, watch::Cache,
    },
    child::Child,
    object::{ApplyResult, apply_object},
};
use crate::render::ObjectsByKind;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt;
use maquette_contract::{ComponentName, keys::LABEL_COMPONENT};
use std::sync::Arc;

/// Applies `objects`, except skipped StatefulSets.
pub(in crate::reconcile) async fn apply_objects(
    cx: &ReconcileContext<'_>,
    objects: &ObjectsByKind,
    outcome: &mut ReconcileOutcome,
) -> Result<(), ReconcileError> {
    let ObjectsByKind {
        service_accounts,
        config_maps,
        services,
        deployments,
        stateful_sets,
        pod_disruption_budgets,
    } = objects;
    let caches = &cx.shared.caches;
    apply_kind(cx, &caches.service_accounts, service_accounts, outcome).await?;
    let configured = apply_config_maps(cx, config_maps, outcome).await?;
    apply_kind(cx, &caches.services, services, outcome).await?;
    let deployed = apply_kind(cx, &caches.deployments, deployments, outcome).await?;
    let mut sets = stateful_sets.clone();
    sets.retain(|set| !outcome.skipped_sets.contains(&set.name_any()));
    let set = apply_kind(cx, &caches.stateful_sets, &sets, outcome).await?;
    apply_kind(cx, &caches.pod_disruption_budgets, pod_disruption_budgets, outcome).await?;
    outcome.applied.changing.extend([configured, deployed, set].into_iter().flatten());
    Ok(())
}

/// Returns the components whose configuration was written.
async fn apply_config_maps(
    cx: &ReconcileContext<'_>,
    config_maps: &[ConfigMap],
    outcome: &mut ReconcileOutcome,
) -> Result<Vec<ComponentName>, ReconcileError> {
    let result = apply_kind(cx, &cx.shared.caches.config_maps, config_maps, outcome).await;
    match &result {
        Ok(written) => cx.shared.invalidate_reports(cx.key(), |component| {
            written.iter().any(|name| name.as_str() == component)
        }),
        // Which of them were written before the failure is unknown.
        Err(_) => cx.shared.invalidate_reports(cx.key(), |_| true),
    }
    result
}

/// Applies the objects of one type; returns the components whose objects were written.
async fn apply_kind<K: Child>(
    cx: &ReconcileContext<'_>,
    cache: &Arc<Cache<K>>,
    desired: &[K],
    outcome: &mut ReconcileOutcome,
) -> Result<Vec<ComponentName>, ReconcileError> {
    let mut written = vec![];
    for object in desired {
        let result = apply_object(cx, cache, object).await;
        if outcome.record_result(result)? == Some(ApplyResult::Written) {
            let component = object.labels().get(LABEL_COMPONENT);
            written.extend(component.and_then(|component| component.parse().ok()));
        }
    }
    Ok(written)
}
