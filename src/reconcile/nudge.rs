//! Makes the kubelet refresh a mounted ConfigMap at once: it does so when the pod changes, else
//! only every minute or so. So the pods that lag behind are annotated with the revision that they
//! should have.

use super::{
    apply::patch_metadata,
    error::{Error, Failure},
    work::{Outcome, Work},
};
use crate::observe::{Running, RunningPod};
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
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is nudged for one revision; then the kubelet's own minute has passed.
const MOST: u32 = 10;

/// The last nudge of a pod.
#[derive(Clone, Debug)]
pub(super) struct Nudge {
    revision: Revision,
    times: u32,
    at: Instant,
}

/// Nudges every pod that reports another revision than its component's in `config_maps`.
pub(super) async fn all(
    work: &Work<'_>,
    config_maps: &[ConfigMap],
    running: &Running,
    outcome: &mut Outcome,
) -> Result<(), Error> {
    forget_the_gone(work, running);
    for (component, wanted) in config_maps.iter().filter_map(revision) {
        let pods =
            running.component(&component).map(|found| found.pods.as_slice()).unwrap_or_default();
        for pod in pods.iter().filter(|pod| lags(pod, &wanted)) {
            outcome.again(PATIENCE);
            let Some(nudge) = due(work, pod, &wanted) else { continue };
            let result = annotate(work, pod, nudge).await;
            outcome.take(result)?;
        }
    }
    Ok(())
}

/// Forgets the nudges of pods that are no more.
fn forget_the_gone(work: &Work<'_>, running: &Running) {
    let pods = running.components().flat_map(|(_, found)| &found.pods);
    let alive: BTreeSet<&str> = pods.map(|pod| pod.uid.as_str()).collect();
    work.cx.memories.with(work.key(), |memory| {
        memory.nudges.retain(|uid, _| alive.contains(uid.as_str()));
    });
}

fn revision(config_map: &ConfigMap) -> Option<(ComponentName, Revision)> {
    let component = config_map.labels().get(LABEL_COMPONENT)?.parse().ok()?;
    let text = config_map.data.as_ref()?.get(CONFIG_FILE)?;
    Some((component, ComponentConfig::revision_of(text)))
}

fn lags(pod: &RunningPod, wanted: &Revision) -> bool {
    pod.report.latest.as_ref().is_some_and(|(_, report)| report.revision != *wanted)
}

/// The nudge that the pod is to get now, if any.
fn due(work: &Work<'_>, pod: &RunningPod, wanted: &Revision) -> Option<Nudge> {
    let now = Instant::now();
    let last = work.cx.memories.with(work.key(), |memory| memory.nudges.get(&pod.uid).cloned());
    let times = match last.filter(|last| last.revision == *wanted) {
        None => 1,
        Some(last) if now.duration_since(last.at) < PATIENCE || last.times >= MOST => return None,
        Some(last) => last.times + 1,
    };
    Some(Nudge { revision: wanted.clone(), times, at: now })
}

/// A change of the annotation is what counts, so a further nudge has a number behind the revision.
async fn annotate(work: &Work<'_>, pod: &RunningPod, nudge: Nudge) -> Result<(), Failure> {
    let value = match nudge.times {
        1 if pod.asked_revision.as_deref() != Some(nudge.revision.as_str()) => {
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
    work.cx.memories.with(work.key(), |memory| memory.nudges.insert(pod.uid.clone(), nudge));
    match patch_metadata::<Pod>(&work.api(), &pod.name, metadata).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(()),
        Err(error) => Err(Failure::of(&format!("Pod {}", pod.name), error)),
    }
}
