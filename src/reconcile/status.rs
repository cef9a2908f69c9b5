//! Writes the status, only when it says something new; what is written is told, see `events`.

use super::{
    cache::WriteFence,
    error::{ApplyError, ReconcileError},
    events,
    lenient::LenientArchitecture,
    reconcile_context::{ReconcileContext, ReconcileOutcome},
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
const DETAIL_INTERVAL: Duration = Duration::from_secs(2);

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
pub(super) async fn write_status(
    work: &ReconcileContext<'_>,
    status: &ArchitectureStatus,
    outcome: &mut ReconcileOutcome,
) -> Result<(), ReconcileError> {
    let before = work.architecture.status.as_ref();
    if before == Some(status) {
        return Ok(());
    }
    if !is_urgent(before, status) {
        let written = work.shared.states.with(work.key(), |memory| memory.status_written_at);
        let wait = written.and_then(|at| DETAIL_INTERVAL.checked_sub(at.elapsed()));
        if let Some(wait) = wait {
            outcome.again(wait);
            return Ok(());
        }
    }
    let result = apply_status(work, status).await;
    if outcome.record_result(result)? == Some(StatusWrite::Written) {
        if let Some(step) = events::started_step(before, status) {
            work.shared.metrics.evolutions.begun(step);
        }
        events::emit(work, before, status).await;
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
enum StatusWrite {
    Written,
    /// The Architecture is gone, or another has its name.
    Gone,
}

async fn apply_status(
    work: &ReconcileContext<'_>,
    status: &ArchitectureStatus,
) -> Result<StatusWrite, ApplyError> {
    let metadata = ObjectMeta {
        name: Some(work.key().name.clone()),
        uid: Some(work.uid().to_owned()),
        ..ObjectMeta::default()
    };
    let patch = StatusPatch {
        api_version: LenientArchitecture::api_version(&()).into_owned(),
        kind: LenientArchitecture::kind(&()).into_owned(),
        metadata,
        status,
    };
    let api: Api<LenientArchitecture> = work.api();
    let params = PatchParams::apply(FIELD_MANAGER).force();
    match api.patch_status(&work.key().name, &params, &Patch::Apply(&patch)).await {
        Ok(made) => {
            work.record_write(WriteFence::new(
                &work.shared.caches.architectures_position,
                &made.metadata,
            ));
            work.shared.states.with(work.key(), |memory| {
                memory.status_written_at = Some(Instant::now());
            });
            Ok(StatusWrite::Written)
        }
        // The watch will tell.
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => {
            Ok(StatusWrite::Gone)
        }
        Err(error) => Err(ApplyError::from_kube("status", error)),
    }
}

/// Whether the whole works.
pub(super) fn is_ready(status: &ArchitectureStatus) -> bool {
    let ready = status.conditions.iter().find(|c| c.type_ == condition_types::READY);
    ready.is_some_and(|ready| ready.status == "True")
}
