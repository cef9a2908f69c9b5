//! Writes the status if it has changed, and emits Events for the change.

use super::{
    super::{
        context::ReconcileContext,
        error::{ApplyError, ReconcileError},
        outcome::ReconcileOutcome,
        watch::LenientArchitecture,
    },
    event_writer::write_pending,
    events,
};
use crate::{
    api::ArchitectureStatus,
    observe::{IssueKind, condition_types},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta};
use kube::{
    Api, Resource,
    api::{Patch, PatchParams},
};
use maquette_contract::keys::FIELD_MANAGER;
use serde::Serialize;
use std::time::{Duration, Instant};

/// The shortest interval between two writes of details.
const DETAIL_INTERVAL: Duration = Duration::from_secs(2);

/// The wait before another attempt to write an Event.
const EVENT_RETRY: Duration = Duration::from_secs(10);

/// What is applied to the subresource.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusPatch<'a> {
    api_version: String,
    kind: String,
    metadata: ObjectMeta,
    status: &'a ArchitectureStatus,
}

/// Writes `status` if it differs from the current one.
pub(in crate::reconcile) async fn write_status(
    cx: &ReconcileContext<'_>,
    status: &ArchitectureStatus,
    outcome: &mut ReconcileOutcome,
) -> Result<(), ReconcileError> {
    if !write_pending(cx.shared, cx.key()).await {
        outcome.requeue_within(EVENT_RETRY);
    }
    let before = cx.architecture.status.as_ref();
    if before == Some(status) {
        return Ok(());
    }
    // With an issue the back-off limits the writes, and the next reconcile may come much later.
    let is_backed_off = outcome.applied.issues.iter().any(|issue| issue.kind != IssueKind::Removal);
    if !is_backed_off && !is_urgent(before, status) {
        let written_at = cx.with_state(|state| state.status_written_at);
        let wait = written_at.and_then(|at| DETAIL_INTERVAL.checked_sub(at.elapsed()));
        if let Some(wait) = wait {
            outcome.requeue_within(wait);
            return Ok(());
        }
    }
    let result = match apply_status(cx, status).await {
        Err(ApplyError(issue)) if issue.kind.is_transient() => {
            return Err(ReconcileError::Unreachable(issue.message));
        }
        result => result,
    };
    if outcome.record_result(result) == Some(StatusWrite::Written) {
        if let Some(step) = events::started_step(before, status) {
            cx.shared.metrics.evolutions.count_step_start(step);
        }
        if !events::emit(cx, before, status).await {
            outcome.requeue_within(EVENT_RETRY);
        }
    }
    Ok(())
}

/// Whether a condition turned or has another reason, a step started, or the status is of another
/// generation. Clients wait for these, so they are not deferred.
fn is_urgent(before: Option<&ArchitectureStatus>, now: &ArchitectureStatus) -> bool {
    let Some(before) = before else { return true };
    before.observed_generation != now.observed_generation
        || !condition_states(before).eq(condition_states(now))
        || events::evolution_step(before) != events::evolution_step(now)
}

/// The type, status and reason of every condition.
fn condition_states(status: &ArchitectureStatus) -> impl Iterator<Item = [&str; 3]> {
    let conditions = status.conditions.iter();
    conditions.map(|condition| [&*condition.type_, &*condition.status, &*condition.reason])
}

/// The result of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StatusWrite {
    Written,
    /// The Architecture was deleted, or a new one has its name.
    Gone,
}

/// Applies `status` to the subresource.
pub(super) async fn apply_status(
    cx: &ReconcileContext<'_>,
    status: &ArchitectureStatus,
) -> Result<StatusWrite, ApplyError> {
    let metadata = ObjectMeta {
        name: Some(cx.key().name.clone()),
        uid: Some(cx.uid().to_owned()),
        ..ObjectMeta::default()
    };
    let patch = StatusPatch {
        api_version: LenientArchitecture::api_version(&()).into_owned(),
        kind: LenientArchitecture::kind(&()).into_owned(),
        metadata,
        status,
    };
    let api: Api<LenientArchitecture> = cx.api();
    let params = PatchParams::apply(FIELD_MANAGER).force();
    match api.patch_status(&cx.key().name, &params, &Patch::Apply(&patch)).await {
        Ok(written) => {
            cx.record_write(cx.shared.caches.architecture_fence(&written.metadata));
            cx.with_state(|state| state.status_written_at = Some(Instant::now()));
            Ok(StatusWrite::Written)
        }
        // The watch delivers the deletion.
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => {
            Ok(StatusWrite::Gone)
        }
        Err(error) => Err(ApplyError::from_kube("status", &error)),
    }
}

/// Whether the condition `Ready` is true.
pub(in crate::reconcile) fn is_ready(status: &ArchitectureStatus) -> bool {
    find_ready(status).is_some_and(|ready| ready.status == "True")
}

/// The condition `Ready`.
pub(in crate::reconcile) fn find_ready(status: &ArchitectureStatus) -> Option<&Condition> {
    status.conditions.iter().find(|condition| condition.type_ == condition_types::READY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};

    fn status(reason: &str, message: &str) -> ArchitectureStatus {
        let condition = Condition {
            type_: "Ready".to_owned(),
            status: "False".to_owned(),
            reason: reason.to_owned(),
            message: message.to_owned(),
            last_transition_time: Time(Timestamp::UNIX_EPOCH),
            observed_generation: None,
        };
        ArchitectureStatus { conditions: vec![condition], ..ArchitectureStatus::default() }
    }

    #[test]
    fn another_reason_is_urgent_and_another_message_is_not() {
        let before = status("Evolving", "5 pods");
        assert!(!is_urgent(Some(&before), &status("Evolving", "6 pods")));
        assert!(is_urgent(Some(&before), &status("Conflict", "5 pods")));
    }
}
