//! The volumes that no component uses any more.

use super::{
    super::{
        apply::Child,
        error::{Error, Failure},
        work::{Outcome, Work},
    },
    claims::claims,
    ownership::{goes, is_labelled, is_used, ours, own},
};
use crate::api::{Fate, Retention, VolumeState, VolumeStatus};
use k8s_openapi::api::{apps::v1::StatefulSet, core::v1::PersistentVolumeClaim as Claim};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Preconditions},
};
use maquette_contract::keys::LABEL_COMPONENT;
use std::collections::BTreeSet;

/// Sees to the volumes of components and pods that are no more, as `spec.retention` says.
pub(in super::super) async fn release(
    work: &Work<'_>,
    sets: &[StatefulSet],
    retention: &Retention,
    outcome: &mut Outcome,
) -> Result<(), Error> {
    let used: BTreeSet<_> = sets.iter().flat_map(claims).map(|claim| claim.name_any()).collect();
    let cached = work.cx.caches.claims.of(work.key());
    let idle = cached.iter().filter(|claim| !used.contains(&claim.name_any()));
    for claim in idle.filter(|claim| is_labelled(work, claim)) {
        let blocked = !outcome.may_remove() || !outcome.waits.is_empty();
        let fate = fate(work, claim, retention, blocked);
        match fate {
            Idle::Goes | Idle::Left => {}
            Idle::Kept | Idle::Later => {
                let result = own(work, claim, retention).await;
                outcome.take(result)?;
            }
            Idle::Deleted => {
                let result = delete(work, claim).await;
                outcome.take(result)?;
            }
        }
        outcome.volumes.push(status(claim, fate));
    }
    Ok(())
}

/// What becomes of a volume that no component uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Idle {
    /// It is on its way out.
    Goes,
    /// An earlier Architecture left it, and this one never used it.
    Left,
    /// It is to be kept.
    Kept,
    /// It is to be deleted once all else is done.
    Later,
    /// It is to be deleted.
    Deleted,
}

fn fate(work: &Work<'_>, claim: &Claim, retention: &Retention, blocked: bool) -> Idle {
    match retention.when_dropped {
        _ if goes(work, claim) => Idle::Goes,
        _ if !is_used(work, claim) => Idle::Left,
        Fate::Retain => Idle::Kept,
        Fate::Delete if blocked => Idle::Later,
        Fate::Delete => Idle::Deleted,
    }
}

fn status(claim: &Claim, fate: Idle) -> VolumeStatus {
    let component = claim.labels().get(LABEL_COMPONENT).cloned();
    let of = component.as_deref().unwrap_or("of its name");
    let (state, message) = match fate {
        Idle::Goes => (VolumeState::Deleting, "it is on its way out".to_owned()),
        Idle::Left => (
            VolumeState::Retained,
            format!(
                "an earlier Architecture of this name left it: a component {of} would take it up again; \
                 delete the claim if nobody needs what is on it"
            ),
        ),
        Idle::Kept => (
            VolumeState::Retained,
            format!(
                "retention.whenDropped is Retain: the component {of} takes it up again if it returns"
            ),
        ),
        Idle::Later => (
            VolumeState::Retained,
            "retention.whenDropped is Delete: it goes once everything else is done".to_owned(),
        ),
        Idle::Deleted => (VolumeState::Deleting, "retention.whenDropped is Delete".to_owned()),
    };
    VolumeStatus { name: claim.name_any(), component, state, message: Some(message) }
}

async fn delete(work: &Work<'_>, claim: &Claim) -> Result<(), Failure> {
    let api: Api<Claim> = work.api();
    let (name, failure) = (claim.name_any(), |error| Failure::of(&claim.title(), error));
    let Some(live) = api.get_opt(&name).await.map_err(failure)? else { return Ok(()) };
    if live.uid() != claim.uid() || ours(work, &live).is_err() || !is_used(work, &live) {
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
