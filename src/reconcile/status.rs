//! Writes the status, only when it says something new, and tells of transitions by Events.

use super::{
    cache::Mark,
    error::{Error, Failure},
    found::Found,
    work::{Outcome, Work},
};
use crate::{api::ArchitectureStatus, observe::condition_types};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta};
use kube::{
    Api, Resource,
    api::{Patch, PatchParams},
    runtime::events::{Event, EventType},
};
use maquette_contract::keys::FIELD_MANAGER;
use serde::Serialize;
use std::time::{Duration, Instant};

/// Changes of detail are written no more often than this.
const DETAILS_EVERY: Duration = Duration::from_secs(2);

/// What is applied to the subresource.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusPatch<'a> {
    api_version: String,
    kind: String,
    metadata: ObjectMeta,
    status: &'a ArchitectureStatus,
}

/// Writes `status` if it differs from what stands there.
pub(super) async fn write(
    work: &Work<'_>,
    status: &ArchitectureStatus,
    outcome: &mut Outcome,
) -> Result<(), Error> {
    let before = work.architecture.status.as_ref();
    if before == Some(status) {
        return Ok(());
    }
    if !is_urgent(before, status) {
        let written = work.cx.memories.with(work.key(), |memory| memory.status_written);
        let wait = written.and_then(|at| DETAILS_EVERY.checked_sub(at.elapsed()));
        if let Some(wait) = wait {
            outcome.again(wait);
            return Ok(());
        }
    }
    let result = apply(work, status).await;
    if outcome.take(result)?.is_some() {
        tell(work, before, status).await;
    }
    Ok(())
}

/// Whether a condition turned, or the status is about another generation: whoever waits for that
/// need not wait for details.
fn is_urgent(before: Option<&ArchitectureStatus>, now: &ArchitectureStatus) -> bool {
    let Some(before) = before else { return true };
    let states = |status: &ArchitectureStatus| -> Vec<(String, String)> {
        status.conditions.iter().map(|c| (c.type_.clone(), c.status.clone())).collect()
    };
    before.observed_generation != now.observed_generation || states(before) != states(now)
}

async fn apply(work: &Work<'_>, status: &ArchitectureStatus) -> Result<(), Failure> {
    let metadata = ObjectMeta {
        name: Some(work.key().name.clone()),
        uid: Some(work.uid().to_owned()),
        ..ObjectMeta::default()
    };
    let patch = StatusPatch {
        api_version: Found::api_version(&()).into_owned(),
        kind: Found::kind(&()).into_owned(),
        metadata,
        status,
    };
    let api: Api<Found> = work.api();
    let params = PatchParams::apply(FIELD_MANAGER).force();
    match api.patch_status(&work.key().name, &params, &Patch::Apply(&patch)).await {
        Ok(made) => {
            work.wrote(Mark::new(&work.cx.caches.architectures_progress, &made.metadata));
            work.cx.memories.with(work.key(), |memory| {
                memory.status_written = Some(Instant::now());
            });
            Ok(())
        }
        // It is gone, or another took its name: the watch will tell.
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(()),
        Err(error) => Err(Failure::of("status", error)),
    }
}

/// An Event when `Ready` turns, or when it is false for another reason that users must mend.
async fn tell(work: &Work<'_>, before: Option<&ArchitectureStatus>, now: &ArchitectureStatus) {
    let Some(ready) = ready(now) else { return };
    let before = before.and_then(ready_of);
    let turned = before.is_some_and(|(status, _)| status != ready.status);
    let to_mend =
        matches!(ready.reason.as_str(), "Conflict" | "ApplyFailed" | "Refused" | "Unreadable");
    let new_reason = before.is_none_or(|(_, reason)| reason != ready.reason);
    let worth_telling = turned || (to_mend && new_reason);
    if !worth_telling {
        return;
    }
    let type_ = if ready.status == "True" { EventType::Normal } else { EventType::Warning };
    let event = Event {
        type_,
        reason: ready.reason.clone(),
        note: Some(ready.message.chars().take(1000).collect()),
        action: "Reconcile".to_owned(),
        secondary: None,
    };
    let reference = work.architecture.object_ref(&());
    tracing::info!(
        architecture = %work.key(), ready = ready.status, reason = ready.reason,
        why = ready.message, "Ready turned"
    );
    if let Err(error) = work.cx.recorder.publish(&event, &reference).await {
        tracing::warn!(architecture = %work.key(), %error, "an Event was not written");
    }
}

fn ready(status: &ArchitectureStatus) -> Option<&Condition> {
    status.conditions.iter().find(|condition| condition.type_ == condition_types::READY)
}

fn ready_of(status: &ArchitectureStatus) -> Option<(&str, &str)> {
    ready(status).map(|condition| (condition.status.as_str(), condition.reason.as_str()))
}

/// Whether the whole works.
pub(super) fn is_ready(status: &ArchitectureStatus) -> bool {
    ready_of(status).is_some_and(|(status, _)| status == "True")
}
