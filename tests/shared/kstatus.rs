//! What kstatus says of a custom resource. Flux, Helm, kpt and cli-utils wait by these rules:
//! `checkGenericProperties`, then `checkReadyCondition`, in `pkg/kstatus/status` of
//! kubernetes-sigs/cli-utils.

use serde_json::Value;

/// The status of a resource; the variants have kstatus' names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResourceStatus {
    Terminating,
    InProgress,
    Failed,
    Current,
}

/// The status of `object`, a custom resource as the API server returns it.
pub(crate) fn compute(object: &Value) -> ResourceStatus {
    let (metadata, status) = (&object["metadata"], &object["status"]);
    if metadata["deletionTimestamp"].as_str().is_some_and(|time| !time.is_empty()) {
        return ResourceStatus::Terminating;
    }
    let generation = metadata["generation"].as_i64();
    let observed = status["observedGeneration"].as_i64();
    if generation.is_some() && observed.is_some() && generation != observed {
        return ResourceStatus::InProgress;
    }
    let conditions = status["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    // The first of the two that is true decides, in the order of the list.
    for condition in conditions.iter().filter(|condition| condition["status"] == "True") {
        match condition["type"].as_str() {
            Some("Reconciling") => return ResourceStatus::InProgress,
            Some("Stalled") => return ResourceStatus::Failed,
            _ => {}
        }
    }
    let ready = conditions.iter().find(|condition| condition["type"] == "Ready");
    match ready.map(|ready| &ready["status"]) {
        Some(status) if status != "True" => ResourceStatus::InProgress,
        _ => ResourceStatus::Current,
    }
}
