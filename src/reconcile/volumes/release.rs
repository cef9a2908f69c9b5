//! The volumes that no component uses any more.

use super::{
    super::{
        apply::Child,
        error::{ApplyError, ReconcileError},
        reconcile_context::{ReconcileContext, ReconcileOutcome},
    },
    claims::desired_claims,
    ownership::{ensure_adoptable, is_labelled, is_terminating, is_used, set_ownership},
};
use crate::api::{Retention, RetentionPolicy, VolumeState, VolumeStatus};
use k8s_openapi::api::{apps::v1::StatefulSet, core::v1::PersistentVolumeClaim as Claim};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Preconditions},
};
use maquette_contract::keys::LABEL_COMPONENT;
use std::collections::BTreeSet;

/// Sees to the volumes of components and pods that are no more, as `spec.retention` says.
pub(in super::super) async fn release_claims(
    work: &ReconcileContext<'_>,
    sets: &[StatefulSet],
    retention: &Retention,
    outcome: &mut ReconcileOutcome,
) -> Result<(), ReconcileError> {
    let used: BTreeSet<_> =
        sets.iter().flat_map(desired_claims).map(|claim| claim.name_any()).collect();
    let cached = work.shared.caches.claims.objects_of(work.key());
    let idle = cached.iter().filter(|claim| !used.contains(&claim.name_any()));
    for claim in idle.filter(|claim| is_labelled(work, claim)) {
        let blocked = !outcome.can_delete() || !outcome.waits.is_empty();
        let fate = classify_idle(work, claim, retention, blocked);
        match fate {
            IdleVolume::Terminating | IdleVolume::LeftBehind => {}
            IdleVolume::Retained | IdleVolume::DeleteLater => {
                let result = set_ownership(work, claim, retention).await;
                outcome.record_result(result)?;
            }
            IdleVolume::Delete => {
                let result = delete_claim(work, claim).await;
                outcome.record_result(result)?;
            }
        }
        outcome.volumes.push(volume_status(claim, fate));
    }
    Ok(())
}

/// What becomes of a volume that no component uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IdleVolume {
    /// It is on its way out.
    Terminating,
    /// An earlier Architecture left it, and this one never used it.
    LeftBehind,
    /// It is to be kept.
    Retained,
    /// It is to be deleted once all else is done.
    DeleteLater,
    /// It is to be deleted.
    Delete,
}

fn classify_idle(
    work: &ReconcileContext<'_>,
    claim: &Claim,
    retention: &Retention,
    blocked: bool,
) -> IdleVolume {
    match retention.when_dropped {
        _ if is_terminating(work, claim) => IdleVolume::Terminating,
        _ if !is_used(work, claim) => IdleVolume::LeftBehind,
        RetentionPolicy::Retain => IdleVolume::Retained,
        RetentionPolicy::Delete if blocked => IdleVolume::DeleteLater,
        RetentionPolicy::Delete => IdleVolume::Delete,
    }
}

fn volume_status(claim: &Claim, fate: IdleVolume) -> VolumeStatus {
    let component = claim.labels().get(LABEL_COMPONENT).cloned();
    let of = component.as_deref().unwrap_or("of its name");
    let (state, message) = match fate {
        IdleVolume::Terminating => (VolumeState::Deleting, "it is on its way out".to_owned()),
        IdleVolume::LeftBehind => (
            VolumeState::Retained,
            format!(
                "an earlier Architecture of this name left it: a component {of} would take it up again; \
                 delete the claim if nobody needs what is on it"
            ),
        ),
        IdleVolume::Retained => (
            VolumeState::Retained,
            format!(
                "retention.whenDropped is Retain: the component {of} takes it up again if it returns"
            ),
        ),
        IdleVolume::DeleteLater => (
            VolumeState::Retained,
            "retention.whenDropped is Delete: it goes once everything else is done".to_owned(),
        ),
        IdleVolume::Delete => (VolumeState::Deleting, "retention.whenDropped is Delete".to_owned()),
    };
    VolumeStatus { name: claim.name_any(), component, state, message: Some(message) }
}

async fn delete_claim(work: &ReconcileContext<'_>, claim: &Claim) -> Result<(), ApplyError> {
    let api: Api<Claim> = work.api();
    let (name, failure) =
        (claim.name_any(), |error| ApplyError::from_kube(&claim.display_name(), error));
    let Some(live) = api.get_opt(&name).await.map_err(failure)? else { return Ok(()) };
    if live.uid() != claim.uid() || ensure_adoptable(work, &live).is_err() || !is_used(work, &live)
    {
        return Ok(());
    }
    tracing::info!(architecture = %work.key(), claim = name, "deleting the volume of a dropped component");
    let same = Preconditions { uid: live.uid(), resource_version: live.resource_version() };
    match api.delete(&name, &DeleteParams::background().preconditions(same)).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(()),
        Err(error) => Err(failure(error)),
    }
}
