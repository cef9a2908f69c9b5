//! Writes the status, only when it says something new; what is written is told, see `events`.

use super::{
    cache::Mark,
    error::{Error, Failure},
    events,
    found::Found,
    work::{Outcome, Work},
};
use crate::{api::ArchitectureStatus, observe::condition_types};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{
    Api, Resource,
    api::{Patch, PatchParams},
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
    if outcome.take(result)? == Some(Written::Yes) {
        if let Some(step) = events::begun(before, status) {
            work.cx.metrics.evolutions.begun(step);
        }
        events::tell(work, before, status).await;
    }
    Ok(())
}

/// Whether a condition turned, another step began, or the status is about another generation:
/// whoever waits for that need not wait for details.
fn is_urgent(before: Option<&ArchitectureStatus>, now: &ArchitectureStatus) -> bool {
    let Some(before) = before else { return true };
    let states = |status: &ArchitectureStatus| -> Vec<(String, String)> {
        status.conditions.iter().map(|c| (c.type_.clone(), c.status.clone())).collect()
    };
    let step = |status: &ArchitectureStatus| {
        status.evolution.as_ref().map(|evolution| (evolution.to, evolution.step))
    };
    before.observed_generation != now.observed_generation
        || states(before) != states(now)
        || step(before) != step(now)
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    Yes,
    /// The Architecture is gone, or another has its name.
    Gone,
}

async fn apply(work: &Work<'_>, status: &ArchitectureStatus) -> Result<Written, Failure> {
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
            Ok(Written::Yes)
        }
        // The watch will tell.
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => {
            Ok(Written::Gone)
        }
        Err(error) => Err(Failure::of("status", error)),
    }
}

/// Whether the whole works.
pub(super) fn is_ready(status: &ArchitectureStatus) -> bool {
    let ready = status.conditions.iter().find(|c| c.type_ == condition_types::READY);
    ready.is_some_and(|ready| ready.status == "True")
}
