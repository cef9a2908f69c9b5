//! What a rollout needs beside the workloads: a slot, and its canary pods.

use super::{
    super::{
        context::ReconcileContext, error::ApplyError, outcome::ReconcileOutcome, watch::SLOT_RETRY,
    },
    child::{Child, create_params},
};
use crate::rollout::{RolloutInput, RolloutPlan};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Preconditions},
};
use std::time::{Duration, Instant};

/// The wait before a refused canary is tried again, or one that failed.
const RETRY_AFTER: Duration = Duration::from_secs(61);

/// Takes a slot for a rollout that goes on, or holds it until one is free: for at most the returned
/// time.
pub(in crate::reconcile) fn claim_slot(
    cx: &ReconcileContext<'_>,
    rollout: &mut RolloutPlan,
    input: &RolloutInput<'_>,
) -> Option<Duration> {
    let slots = &cx.shared.rollout_slots;
    if !rollout.needs_slot() {
        slots.release(cx.key());
        return None;
    }
    let in_use = slots.claim(cx.key(), &cx.shared.queue, Instant::now()).err()?;
    rollout.wait_for_slot(in_use, slots.limit(), input);
    Some(SLOT_RETRY)
}

/// Makes the canaries of `rollout` exist. Returns why the API server refused some, one line each:
/// it would refuse the pods that they stand for too.
pub(in crate::reconcile) async fn run_canaries(
    cx: &ReconcileContext<'_>,
    rollout: &RolloutPlan,
    outcome: &mut ReconcileOutcome,
) -> Vec<String> {
    for pod in &rollout.obsolete_pods {
        let result = delete_pod(cx, pod).await;
        outcome.record_result(result);
    }
    let mut refusals = vec![];
    for canary in &rollout.canaries {
        outcome.requeue_within(RETRY_AFTER);
        // One that is being deleted has the name until it is gone; the watch delivers that.
        if cx.shared.caches.pods.get(cx.key(), &canary.name_any()).is_some() {
            continue;
        }
        match create_canary(cx, canary).await {
            Err(ApplyError(issue)) if !issue.kind.is_transient() => refusals.push(issue.message),
            result => _ = outcome.record_result(result),
        }
    }
    refusals
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
