//! Applies all of the Architecture's objects: first what pods need to start and the names that they
//! call, then the workloads.

use super::{
    super::{
        context::ReconcileContext, error::ApplyError, outcome::ReconcileOutcome, watch::Cache,
    },
    child::Child,
    object::{ApplyResult, apply_object},
};
use crate::{observe::unreadable_settings, render::ObjectsByKind};
use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesOrdered};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt;
use maquette_contract::{ComponentName, keys::LABEL_COMPONENT};
use std::{collections::BTreeSet, sync::Arc};

/// How many objects of one Architecture are written at once. Each needs a connection, and the
/// Architectures that are reconciled side by side have their own.
pub(in crate::reconcile) const MAX_WRITES_AT_ONCE: usize = 4;

type Write<'a> = BoxFuture<'a, ObjectWrite>;

/// The write of one object.
struct ObjectWrite {
    /// None if the object belongs to the whole Architecture.
    component: Option<ComponentName>,
    result: Result<ApplyResult, ApplyError>,
}

/// Components by the results of their objects' writes.
#[derive(Default)]
struct WrittenComponents {
    changed: BTreeSet<ComponentName>,
    /// None stands for an object of the whole Architecture.
    failed: BTreeSet<Option<ComponentName>>,
}

/// Applies `objects`, except skipped StatefulSets and workloads without what their pods need.
pub(in crate::reconcile) async fn apply_objects(
    cx: &ReconcileContext<'_>,
    objects: &ObjectsByKind,
    outcome: &mut ReconcileOutcome,
) {
    let ObjectsByKind {
        service_accounts,
        config_maps,
        services,
        deployments,
        stateful_sets,
        pod_disruption_budgets,
    } = objects;
    let caches = &cx.shared.caches;
    let config = config_maps.iter().map(|object| write_config_map(cx, object).boxed());
    let needed = writes_of(cx, &caches.service_accounts, service_accounts).chain(config);
    let needed = run_writes(needed.collect(), outcome).await;
    outcome.applied.changing.extend(needed.changed);
    if !outcome.can_continue() {
        return;
    }
    // A pod does not start without its ServiceAccount and its configuration, and must not start with
    // an old one.
    let can_start = |component: Option<ComponentName>| {
        !needed.failed.contains(&None) && !needed.failed.contains(&component)
    };
    let mut deployments: Vec<_> = deployments.iter().collect();
    deployments.retain(|object| can_start(component_of(*object)));
    let mut sets: Vec<_> = stateful_sets.iter().collect();
    sets.retain(|object| {
        can_start(component_of(*object)) && !outcome.skipped_sets.contains(&object.name_any())
    });
    run_writes(writes_of(cx, &caches.services, services).collect(), outcome).await;
    if !outcome.can_continue() {
        return;
    }
    let workloads = writes_of(cx, &caches.deployments, deployments)
        .chain(writes_of(cx, &caches.stateful_sets, sets))
        .chain(writes_of(cx, &caches.pod_disruption_budgets, pod_disruption_budgets));
    let workloads = run_writes(workloads.collect(), outcome).await;
    outcome.applied.changing.extend(workloads.changed);
}

fn component_of<K: Child>(object: &K) -> Option<ComponentName> {
    object.labels().get(LABEL_COMPONENT)?.parse().ok()
}

fn writes_of<'a, K: Child>(
    cx: &'a ReconcileContext<'_>,
    cache: &'a Arc<Cache<K>>,
    desired: impl IntoIterator<Item = &'a K>,
) -> impl Iterator<Item = Write<'a>> {
    desired.into_iter().map(move |object| write_object(cx, cache, object).boxed())
}

async fn write_object<K: Child>(
    cx: &ReconcileContext<'_>,
    cache: &Arc<Cache<K>>,
    object: &K,
) -> ObjectWrite {
    let result = apply_object(cx, cache, object, None).await;
    ObjectWrite { component: component_of(object), result }
}

/// Writes a configuration. Reports from before the write do not count.
async fn write_config_map(cx: &ReconcileContext<'_>, object: &ConfigMap) -> ObjectWrite {
    let component = component_of(object).map(|name| name.to_string()).unwrap_or_default();
    // It stays in the set if this write is cut off or its effect is unknown.
    let was_uncertain = cx.with_state(|state| !state.uncertain_configs.insert(component.clone()));
    // Another version may write them after the snapshot was taken.
    let cache = &cx.shared.caches.config_maps;
    let result = apply_object(cx, cache, object, Some(unreadable_settings)).await;
    let write = ObjectWrite { component: component_of(object), result };
    let is_certain = match &write.result {
        Ok(_) => true,
        Err(ApplyError(issue)) => !issue.kind.is_transient(),
    };
    if is_certain {
        cx.with_state(|state| state.uncertain_configs.remove(&component));
    }
    let may_have_changed = matches!(&write.result, Ok(ApplyResult::Written)) || !is_certain;
    if may_have_changed || was_uncertain {
        cx.shared.invalidate_reports(cx.key(), |name| name == component);
    }
    write
}

/// Runs independent writes side by side and records the results in their order. After one that the
/// API server did not answer, no further one begins.
async fn run_writes(writes: Vec<Write<'_>>, outcome: &mut ReconcileOutcome) -> WrittenComponents {
    let mut waiting = writes.into_iter();
    let mut started: FuturesOrdered<_> = waiting.by_ref().take(MAX_WRITES_AT_ONCE).collect();
    let mut components = WrittenComponents::default();
    while let Some(ObjectWrite { component, result }) = started.next().await {
        match outcome.record_result(result) {
            Some(ApplyResult::Unchanged) => {}
            Some(ApplyResult::Written) => components.changed.extend(component),
            None => _ = components.failed.insert(component),
        }
        if outcome.can_continue() {
            started.extend(waiting.next());
        }
    }
    components
}
