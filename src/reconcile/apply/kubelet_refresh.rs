//! Makes the kubelet refresh a mounted ConfigMap at once. It does so when the pod changes, else
//! about every minute. So pods with an older configuration get an annotation with the revision
//! that they should have.

use super::{
    super::{
        context::ReconcileContext, error::ApplyError, outcome::ReconcileOutcome,
        state::KubeletRefresh,
    },
    child::patch_metadata,
};
use crate::observe::{RunningPod, RunningTopology};
use k8s_openapi::{
    api::core::v1::{ConfigMap, Pod},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::ResourceExt;
use maquette_contract::{
    ComponentConfig, ComponentName, Revision,
    keys::{ANNOTATION_CONFIG_REVISION, CONFIG_FILE, LABEL_COMPONENT},
};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

/// How long a pod may take to report the revision before the next attempt.
const REFRESH_INTERVAL: Duration = Duration::from_secs(5);
/// Attempts for one revision. After them the kubelet's own minute has passed.
const MAX_ATTEMPTS: u32 = 10;

/// Requests a refresh for every pod that reports another revision than `config_maps` have.
pub(in crate::reconcile) async fn refresh_stale_pods(
    cx: &ReconcileContext<'_>,
    config_maps: &[ConfigMap],
    running: &RunningTopology,
    outcome: &mut ReconcileOutcome,
) {
    forget_deleted_pods(cx, running);
    for (component, revision) in config_maps.iter().filter_map(target_revision) {
        let pods = running.component(&component).map(|running| running.pods.as_slice());
        for pod in pods.unwrap_or_default().iter().filter(|pod| is_stale(pod, &revision)) {
            outcome.requeue_within(REFRESH_INTERVAL);
            if !outcome.can_continue() {
                return;
            }
            let Some(refresh) = next_refresh(cx, pod, &revision) else { continue };
            let result = annotate_pod(cx, pod, refresh).await;
            outcome.record_result(result);
        }
    }
}

fn forget_deleted_pods(cx: &ReconcileContext<'_>, running: &RunningTopology) {
    let pods = running.components().flat_map(|(_, component)| &component.pods);
    let existing: BTreeSet<&str> = pods.map(|pod| pod.uid.as_str()).collect();
    cx.with_state(|state| {
        state.kubelet_refreshes.retain(|uid, _| existing.contains(uid.as_str()));
    });
}

fn target_revision(config_map: &ConfigMap) -> Option<(ComponentName, Revision)> {
    let component = config_map.labels().get(LABEL_COMPONENT)?.parse().ok()?;
    let text = config_map.data.as_ref()?.get(CONFIG_FILE)?;
    Some((component, ComponentConfig::revision_of(text)))
}

/// Whether the pod's newest report has another revision. False without a report.
fn is_stale(pod: &RunningPod, target: &Revision) -> bool {
    pod.report.latest.as_ref().is_some_and(|(_, report)| report.revision != *target)
}

/// The refresh to request now; none if the last one is recent or all attempts are used.
fn next_refresh(
    cx: &ReconcileContext<'_>,
    pod: &RunningPod,
    target: &Revision,
) -> Option<KubeletRefresh> {
    let now = Instant::now();
    let last = cx.with_state(|state| state.kubelet_refreshes.get(&pod.uid).cloned());
    let attempts = match last.filter(|last| last.revision == *target) {
        None => 1,
        Some(last) if now.duration_since(last.requested_at) < REFRESH_INTERVAL => return None,
        Some(last) if last.attempts >= MAX_ATTEMPTS => return None,
        Some(last) => last.attempts + 1,
    };
    Some(KubeletRefresh { revision: target.clone(), attempts, requested_at: now })
}

async fn annotate_pod(
    cx: &ReconcileContext<'_>,
    pod: &RunningPod,
    refresh: KubeletRefresh,
) -> Result<(), ApplyError> {
    // Only a changed annotation has an effect, so a repeated one gets the attempt's number.
    let value = match refresh.attempts {
        1 if pod.requested_revision.as_deref() != Some(refresh.revision.as_str()) => {
            refresh.revision.to_string()
        }
        attempts => format!("{}.{attempts}", refresh.revision),
    };
    let annotation = (ANNOTATION_CONFIG_REVISION.to_owned(), value);
    let metadata = ObjectMeta {
        uid: Some(pod.uid.clone()),
        annotations: Some([annotation].into()),
        ..ObjectMeta::default()
    };
    cx.with_state(|state| state.kubelet_refreshes.insert(pod.uid.clone(), refresh));
    match patch_metadata::<Pod>(&cx.api(), &pod.name, metadata).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(()),
        Err(error) => Err(ApplyError::from_kube(&format!("Pod {}", pod.name), &error)),
    }
}
