//! Volumes grow as far as their StorageClass allows; none shrinks or changes its class.

use super::{
    super::{
        apply::{Child, merge_params},
        context::ReconcileContext,
        error::ApplyError,
        outcome::ReconcileOutcome,
        state::GrowthRefusal,
    },
    claims::{VolumeSize, is_bound, requested_size, storage_class, volume_capacity},
    storage_class::{Expansion, StorageClasses},
};
use crate::observe::VolumeNote;
use k8s_openapi::{
    api::core::v1::{
        PersistentVolumeClaim as Claim, PersistentVolumeClaimSpec, VolumeResourceRequirements,
    },
    apimachinery::pkg::{api::resource::Quantity as RawQuantity, apis::meta::v1::ObjectMeta},
};
use kube::{Api, ResourceExt, api::Patch};
use std::time::{Duration, Instant};

/// The interval of attempts for a volume that could not grow: its class may change meanwhile.
const RETRY_AFTER: Duration = Duration::from_secs(60);

/// Makes `live` request the size of `desired`, and notes where the two differ.
pub(super) async fn grow_claim(
    cx: &ReconcileContext<'_>,
    live: &Claim,
    desired: &Claim,
    classes: &mut StorageClasses,
    outcome: &mut ReconcileOutcome,
) -> Result<(), ApplyError> {
    note_class(live, desired, outcome);
    let (Some(current), Some(target)) = (requested_size(live), requested_size(desired)) else {
        return Ok(());
    };
    if target.amount <= current.amount {
        note_progress(live, &current, outcome);
        return Ok(());
    }
    let claim = live.display_name();
    if !is_bound(live) {
        // The API server lets only a bound claim grow.
        let message = format!("{claim} grows to {} once it is bound", target.text);
        outcome.applied.waits.push(message);
        return Ok(());
    }
    let note = match request_growth(cx, live, &target, classes).await? {
        None => {
            let capacity = volume_capacity(live);
            VolumeNote::Growing(growth_message(
                &claim,
                capacity.as_ref().unwrap_or(&current),
                &target,
            ))
        }
        Some(reason) => {
            outcome.requeue_within(RETRY_AFTER);
            let (current, target) = (&current.text, &target.text);
            VolumeNote::Unchanged(format!(
                "{claim} stays at {current}, although {target} is specified: {reason}"
            ))
        }
    };
    outcome.applied.volume_notes.push(note);
    Ok(())
}

fn note_class(live: &Claim, desired: &Claim, outcome: &mut ReconcileOutcome) {
    // A specification without a class accepts every class.
    let Some(target) = storage_class(desired) else { return };
    let current = storage_class(live).unwrap_or_default();
    if current != target {
        let claim = live.display_name();
        let stays = match current {
            "" => "stays without a StorageClass".to_owned(),
            current => format!("stays in StorageClass {current}"),
        };
        outcome.applied.volume_notes.push(VolumeNote::Unchanged(format!(
            "{claim} {stays}, although {target} is specified: a volume cannot change its class"
        )));
    }
}

fn growth_message(claim: &str, from: &VolumeSize, to: &VolumeSize) -> String {
    format!("{claim} grows from {} to {}", from.text, to.text)
}

/// Notes a volume that is still smaller than its claim requests.
fn note_progress(live: &Claim, requested: &VolumeSize, outcome: &mut ReconcileOutcome) {
    let Some(capacity) = volume_capacity(live)
        .filter(|capacity| is_bound(live) && capacity.amount < requested.amount)
    else {
        return;
    };
    let mut message = growth_message(&live.display_name(), &capacity, requested);
    if let Some(problem) = resize_problem(live) {
        message = format!("{message}: {problem}");
    }
    outcome.applied.volume_notes.push(VolumeNote::Growing(message));
}

/// What the resizer or the kubelet reports of the growth.
fn resize_problem(claim: &Claim) -> Option<&str> {
    const REPORTING_TYPES: [&str; 3] =
        ["ControllerResizeError", "NodeResizeError", "FileSystemResizePending"];
    let conditions = claim.status.as_ref()?.conditions.as_ref()?;
    let condition = REPORTING_TYPES.iter().find_map(|type_| {
        conditions.iter().find(|condition| condition.type_ == *type_ && condition.status == "True")
    })?;
    condition.message.as_deref().filter(|message| !message.is_empty())
}

/// Makes the claim request more; returns why it cannot grow, if it cannot.
async fn request_growth(
    cx: &ReconcileContext<'_>,
    live: &Claim,
    target: &VolumeSize,
    classes: &mut StorageClasses,
) -> Result<Option<String>, ApplyError> {
    let name = live.name_any();
    let recent = cx.with_state(|state| {
        let refusal = state.refused_growth.get(&name)?;
        let counts = refusal.size == target.text && refusal.refused_at.elapsed() < RETRY_AFTER;
        counts.then(|| refusal.reason.clone())
    });
    if recent.is_some() {
        return Ok(recent);
    }
    let class = storage_class(live);
    let refused = match classes.expansion_of(cx, class).await {
        Expansion::NotAllowed => Some(format!(
            "StorageClass {} does not allow volumes to grow: set its allowVolumeExpansion to true, if \
             its provisioner supports that",
            class.unwrap_or_default()
        )),
        Expansion::Allowed | Expansion::Unknown => patch_size(cx, live, target).await?,
    };
    cx.with_state(|state| match &refused {
        None => _ = state.refused_growth.remove(&name),
        Some(reason) => {
            let (size, reason) = (target.text.clone(), reason.clone());
            let refusal = GrowthRefusal { size, reason, refused_at: Instant::now() };
            state.refused_growth.insert(name, refusal);
        }
    });
    Ok(refused)
}

/// Returns why the API server refused the size, if it did.
async fn patch_size(
    cx: &ReconcileContext<'_>,
    live: &Claim,
    target: &VolumeSize,
) -> Result<Option<String>, ApplyError> {
    let name = live.name_any();
    tracing::info!(
        architecture = %cx.key(), claim = name, size = target.text, "growing a volume"
    );
    let api: Api<Claim> = cx.api();
    match api.patch(&name, &merge_params(), &Patch::Merge(&size_patch(live, target))).await {
        Ok(written) => {
            cx.record_write(cx.shared.caches.claims.write_fence(&written.metadata));
            Ok(None)
        }
        // It was deleted, or a new claim has its name: the watch delivers that.
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(None),
        Err(error) => match (ApplyError::from_kube(&live.display_name(), &error), error) {
            (ApplyError(issue), kube::Error::Api(status)) if !issue.kind.is_transient() => {
                Ok(Some(format!("the API server refused it: {}", status.message)))
            }
            (failure, _) => Err(failure),
        },
    }
}

/// The merge patch that makes `live` request `target`; its UID is a precondition.
fn size_patch(live: &Claim, target: &VolumeSize) -> Claim {
    let request = ("storage".to_owned(), RawQuantity(target.text.clone()));
    let requests = Some([request].into());
    Claim {
        metadata: ObjectMeta { uid: live.uid(), ..ObjectMeta::default() },
        spec: Some(PersistentVolumeClaimSpec {
            resources: Some(VolumeResourceRequirements { requests, limits: None }),
            ..PersistentVolumeClaimSpec::default()
        }),
        status: None,
    }
}
