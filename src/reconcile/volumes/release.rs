//! The volumes that no component uses.

use super::{
    super::{
        apply::Child, context::ReconcileContext, error::ApplyError, outcome::ReconcileOutcome,
    },
    claims::desired_claims,
    ownership::{ensure_adoptable, is_labelled, is_terminating, set_ownership, was_used},
};
use crate::api::{Retention, RetentionPolicy, VolumeState, VolumeStatus};
use k8s_openapi::api::{apps::v1::StatefulSet, core::v1::PersistentVolumeClaim as Claim};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Preconditions},
};
use maquette_contract::keys::LABEL_COMPONENT;
use std::collections::BTreeSet;

/// Keeps or deletes the claims that `sets` do not use, as `spec.retention` says, and lists them in
/// the outcome.
pub(in crate::reconcile) async fn release_claims(
    cx: &ReconcileContext<'_>,
    sets: &[StatefulSet],
    retention: &Retention,
    outcome: &mut ReconcileOutcome,
) {
    outcome.applied.volumes.clear();
    let used: BTreeSet<_> =
        sets.iter().flat_map(desired_claims).map(|claim| claim.name_any()).collect();
    let cached = cx.shared.caches.claims.objects_of(cx.key());
    let idle = cached.iter().filter(|claim| !used.contains(&claim.name_any()));
    for claim in idle.filter(|claim| is_labelled(cx, &claim.metadata)) {
        let is_blocked = !outcome.can_delete() || !outcome.applied.waits.is_empty();
        let idle_volume = classify_idle(cx, claim, retention, is_blocked);
        match idle_volume {
            IdleVolume::Terminating | IdleVolume::LeftBehind => {}
            _ if !outcome.can_continue() => {}
            IdleVolume::Retained | IdleVolume::DeleteLater => {
                let result = set_ownership(cx, claim, retention).await;
                outcome.record_result(result);
            }
            IdleVolume::Delete => {
                let result = delete_claim(cx, claim).await;
                outcome.record_result(result);
            }
        }
        outcome.applied.volumes.push(volume_status(claim, idle_volume));
    }
}

/// What happens to a volume that no component uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IdleVolume {
    /// It is being deleted.
    Terminating,
    /// An earlier Architecture left it, and this one never used it.
    LeftBehind,
    Retained,
    /// It is deleted once nothing else is left to do.
    DeleteLater,
    Delete,
}

fn classify_idle(
    cx: &ReconcileContext<'_>,
    claim: &Claim,
    retention: &Retention,
    is_blocked: bool,
) -> IdleVolume {
    match retention.when_dropped {
        _ if is_terminating(cx, &claim.metadata) => IdleVolume::Terminating,
        _ if !was_used(cx, &claim.metadata) => IdleVolume::LeftBehind,
        RetentionPolicy::Retain => IdleVolume::Retained,
        RetentionPolicy::Delete if is_blocked => IdleVolume::DeleteLater,
        RetentionPolicy::Delete => IdleVolume::Delete,
    }
}

fn volume_status(claim: &Claim, idle_volume: IdleVolume) -> VolumeStatus {
    let component = claim.labels().get(LABEL_COMPONENT).cloned();
    let user = component.as_deref().unwrap_or("of its name");
    let (state, message) = match idle_volume {
        IdleVolume::Terminating => (VolumeState::Deleting, "it is being deleted".to_owned()),
        IdleVolume::LeftBehind => (
            VolumeState::Retained,
            format!(
                "an earlier Architecture of this name left it: a component {user} would use it \
                 again; delete the claim if its data is not needed"
            ),
        ),
        IdleVolume::Retained => (
            VolumeState::Retained,
            format!(
                "retention.whenDropped is Retain: the component {user} uses it again if it returns"
            ),
        ),
        IdleVolume::DeleteLater => (
            VolumeState::Retained,
            "retention.whenDropped is Delete: it is deleted once all other changes are made"
                .to_owned(),
        ),
        IdleVolume::Delete => (VolumeState::Deleting, "retention.whenDropped is Delete".to_owned()),
    };
    VolumeStatus { name: claim.name_any(), component, state, message: Some(message) }
}

async fn delete_claim(cx: &ReconcileContext<'_>, claim: &Claim) -> Result<(), ApplyError> {
    let api: Api<Claim> = cx.api();
    let name = claim.name_any();
    // Read again: a cached claim may have a new user, and a deletion loses data.
    let live = api
        .get_opt(&name)
        .await
        .map_err(|error| ApplyError::from_kube(&claim.display_name(), &error))?;
    let Some(live) = live.filter(|live| {
        live.uid() == claim.uid()
            && ensure_adoptable(cx, claim, &live.metadata).is_ok()
            && was_used(cx, &live.metadata)
    }) else {
        return Ok(());
    };
    tracing::info!(
        architecture = %cx.key(), claim = name, "deleting the volume of a dropped component"
    );
    let unchanged = Preconditions { uid: live.uid(), resource_version: live.resource_version() };
    match api.delete(&name, &DeleteParams::background().preconditions(unchanged)).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(()),
        Err(error) => Err(ApplyError::from_kube(&claim.display_name(), &error)),
    }
}
