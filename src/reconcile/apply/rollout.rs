//! What a rollout needs beside the workloads: a slot, and its canary pods.

use super::{
    super::{
        context::ReconcileContext, error::ApplyError, outcome::ReconcileOutcome,
        state::CanaryRefusal, watch::SLOT_RETRY,
    },
    child::{Child, create_params},
};
use crate::{
    observe::Snapshot,
    rollout::{RolloutInput, RolloutPlan, all_canaries},
};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Preconditions},
};
use maquette_contract::keys::ANNOTATION_TEMPLATE_HASH;
use std::time::{Duration, Instant};

/// How long the refusal of a canary counts: its cause may be gone then.
const REFUSAL_TTL: Duration = Duration::from_secs(60);

/// The wait before a refused canary is tried again, or one that failed.
const RETRY_AFTER: Duration = Duration::from_secs(61);

/// Takes a slot for a rollout that goes on, or holds it until one is free. A rollout whose canary
/// was refused in the last 60 s needs none. Returns when to look again, if it waits.
pub(in crate::reconcile) fn claim_slot(
    cx: &ReconcileContext<'_>,
    rollout: &mut RolloutPlan,
    input: &RolloutInput<'_>,
) -> Option<Duration> {
    let slots = &cx.shared.rollout_slots;
    let retry = recall_refusal(cx, rollout);
    if !rollout.needs_slot() {
        slots.release(cx.key());
        return retry;
    }
    let in_use = slots.claim(cx.key(), &cx.shared.queue, Instant::now()).err()?;
    rollout.wait_for_slot(in_use, slots.limit(), input);
    Some(SLOT_RETRY)
}

/// Stops `rollout` at a canary whose refusal still counts. Returns the wait for the next attempt.
fn recall_refusal(cx: &ReconcileContext<'_>, rollout: &mut RolloutPlan) -> Option<Duration> {
    let refusal = cx.with_state(|state| state.canary_refusal.clone())?;
    let remaining = REFUSAL_TTL.checked_sub(refusal.refused_at.elapsed())?;
    let is_wanted = rollout.canaries.iter().any(|canary| is_refused(canary, &refusal));
    if !is_wanted || cx.shared.caches.pods.get(cx.key(), &refusal.pod).is_some() {
        return None;
    }
    rollout.refuse_canary(&refusal.pod, &refusal.message);
    Some(remaining + Duration::from_secs(1))
}

fn is_refused(canary: &Pod, refusal: &CanaryRefusal) -> bool {
    canary.name_any() == refusal.pod && template_hash(canary) == refusal.template_hash
}

fn template_hash(canary: &Pod) -> &str {
    canary.annotations().get(ANNOTATION_TEMPLATE_HASH).map(String::as_str).unwrap_or_default()
}

/// Makes the canaries of `rollout` exist. Returns why the rollout stops, if the API server refuses
/// one.
pub(in crate::reconcile) async fn run_canaries(
    cx: &ReconcileContext<'_>,
    rollout: &mut RolloutPlan,
    outcome: &mut ReconcileOutcome,
) -> Option<String> {
    for pod in &rollout.obsolete_pods {
        let result = delete_pod(cx, pod).await;
        outcome.record_result(result);
    }
    let mut stop = None;
    for canary in rollout.canaries.clone() {
        outcome.requeue_within(RETRY_AFTER);
        // One that is being deleted has the name until it is gone; the watch delivers that.
        if cx.shared.caches.pods.get(cx.key(), &canary.name_any()).is_some() {
            continue;
        }
        match create_canary(cx, &canary).await {
            Err(ApplyError(issue)) if !issue.kind.is_transient() => {
                rollout.refuse_canary(&canary.name_any(), &issue.message);
                stop = rollout.stop();
                record_refusal(cx, &canary, issue.message);
            }
            result => _ = outcome.record_result(result),
        }
    }
    stop
}

fn record_refusal(cx: &ReconcileContext<'_>, canary: &Pod, message: String) {
    let refusal = CanaryRefusal {
        pod: canary.name_any(),
        template_hash: template_hash(canary).to_owned(),
        message,
        refused_at: Instant::now(),
    };
    cx.with_state(|state| state.canary_refusal = Some(refusal));
}

/// Deletes all canaries: no change is applied that they could prove.
pub(in crate::reconcile) async fn delete_canaries(
    cx: &ReconcileContext<'_>,
    snapshot: &Snapshot,
    outcome: &mut ReconcileOutcome,
) {
    for pod in all_canaries(snapshot, cx.uid()) {
        let result = delete_pod(cx, &pod).await;
        outcome.record_result(result);
    }
}

async fn create_canary(cx: &ReconcileContext<'_>, canary: &Pod) -> Result<(), ApplyError> {
    let api: Api<Pod> = cx.api();
    tracing::info!(architecture = %cx.key(), pod = canary.name_any(), "creating a canary");
    match api.create(&create_params(), canary).await {
        Ok(created) => {
            cx.record_write(cx.shared.caches.pods.write_fence(&created.metadata));
            Ok(())
        }
        Err(error) => Err(ApplyError::from_kube(&canary.display_name(), &error)),
    }
}

async fn delete_pod(cx: &ReconcileContext<'_>, pod: &Pod) -> Result<(), ApplyError> {
    let api: Api<Pod> = cx.api();
    let same_object = Preconditions { uid: pod.uid(), resource_version: None };
    tracing::info!(architecture = %cx.key(), pod = pod.name_any(), "deleting a pod");
    match api.delete(&pod.name_any(), &DeleteParams::default().preconditions(same_object)).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(()),
        Err(error) => Err(ApplyError::from_kube(&pod.display_name(), &error)),
    }
}
