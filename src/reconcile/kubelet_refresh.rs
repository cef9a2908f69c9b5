//! Makes the kubelet refresh a mounted ConfigMap at once: it does so when the pod changes, else
//! only every minute or so. So the pods that lag behind are annotated with the revision that they
//! should have.

use super::{
    apply::patch_metadata,
    error::{ApplyError, ReconcileError},
    reconcile_context::{ReconcileContext, ReconcileOutcome},
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

/// How long a pod has to report the revision before it is nudged again.
const REFRESH_INTERVAL: Duration = Duration::from_secs(5);
/// How often it is nudged for one revision; then the kubelet's own minute has passed.
const MAX_ATTEMPTS: u32 = 10;

/// The last nudge of a pod.
#[derive(Clone, Debug)]
pub(super) struct KubeletRefresh {
    revision: Revision,
    attempts: u32,
    requested_at: Instant,
}

/// Nudges every pod that reports another revision than its component's in `config_maps`.
pub(super) async fn refresh_stale_pods(
    work: &ReconcileContext<'_>,
    config_maps: &[ConfigMap],
    running: &RunningTopology,
    outcome: &mut ReconcileOutcome,
) -> Result<(), ReconcileError> {
    forget_deleted_pods(work, running);
    for (component, wanted) in config_maps.iter().filter_map(target_revision) {
        let pods =
            running.component(&component).map(|found| found.pods.as_slice()).unwrap_or_default();
        for pod in pods.iter().filter(|pod| is_stale(pod, &wanted)) {
            outcome.again(REFRESH_INTERVAL);
            let Some(nudge) = next_refresh(work, pod, &wanted) else { continue };
            let result = annotate_pod(work, pod, nudge).await;
            outcome.record_result(result)?;
        }
    }
    Ok(())
}

/// Forgets the nudges of pods that are no more.
fn forget_deleted_pods(work: &ReconcileContext<'_>, running: &RunningTopology) {
    let pods = running.components().flat_map(|(_, found)| &found.pods);
    let alive: BTreeSet<&str> = pods.map(|pod| pod.uid.as_str()).collect();
    work.shared.states.with(work.key(), |memory| {
        memory.kubelet_refreshes.retain(|uid, _| alive.contains(uid.as_str()));
    });
}

fn target_revision(config_map: &ConfigMap) -> Option<(ComponentName, Revision)> {
    let component = config_map.labels().get(LABEL_COMPONENT)?.parse().ok()?;
    let text = config_map.data.as_ref()?.get(CONFIG_FILE)?;
    Some((component, ComponentConfig::revision_of(text)))
}

fn is_stale(pod: &RunningPod, wanted: &Revision) -> bool {
    pod.report.latest.as_ref().is_some_and(|(_, report)| report.revision != *wanted)
}

/// The nudge that the pod is to get now, if any.
fn next_refresh(
    work: &ReconcileContext<'_>,
    pod: &RunningPod,
    wanted: &Revision,
) -> Option<KubeletRefresh> {
    let now = Instant::now();
    let last = work
        .shared
        .states
        .with(work.key(), |memory| memory.kubelet_refreshes.get(&pod.uid).cloned());
    let times = match last.filter(|last| last.revision == *wanted) {
        None => 1,
        Some(last)
            if now.duration_since(last.requested_at) < REFRESH_INTERVAL
                || last.attempts >= MAX_ATTEMPTS =>
        {
            return None;
        }
        Some(last) => last.attempts + 1,
    };
    Some(KubeletRefresh { revision: wanted.clone(), attempts: times, requested_at: now })
}

/// A change of the annotation is what counts, so a further nudge has a number behind the revision.
async fn annotate_pod(
    work: &ReconcileContext<'_>,
    pod: &RunningPod,
    nudge: KubeletRefresh,
) -> Result<(), ApplyError> {
    let value = match nudge.attempts {
        1 if pod.requested_revision.as_deref() != Some(nudge.revision.as_str()) => {
            nudge.revision.to_string()
        }
        times => format!("{}.{times}", nudge.revision),
    };
    let annotation = (ANNOTATION_CONFIG_REVISION.to_owned(), value);
    let metadata = ObjectMeta {
        uid: Some(pod.uid.clone()),
        annotations: Some([annotation].into()),
        ..ObjectMeta::default()
    };
    work.shared
        .states
        .with(work.key(), |memory| memory.kubelet_refreshes.insert(pod.uid.clone(), nudge));
    match patch_metadata::<Pod>(&work.api(), &pod.name, metadata).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(()),
        Err(error) => Err(ApplyError::from_kube(&format!("Pod {}", pod.name), error)),
    }
}
