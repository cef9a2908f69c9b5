//! What becomes of volumes: claims are made before their StatefulSets, so that nobody else's is
//! ever taken, and follow `spec.retention` by owner references. No claim is deleted but by that.

use super::{
    apply::{Child, patch_metadata},
    cache::Mark,
    error::{Error, Failure},
    key::architecture_owners,
    work::{Outcome, Work},
};
use crate::{
    api::{Fate, Retention, VolumeState, VolumeStatus},
    observe::TroubleKind,
    render::difference,
};
use k8s_openapi::{
    api::{apps::v1::StatefulSet, core::v1::PersistentVolumeClaim as Claim},
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference},
};
use kube::{
    Api, Resource, ResourceExt,
    api::{DeleteParams, PostParams, Preconditions},
};
use maquette_contract::keys::{FIELD_MANAGER, LABEL_ARCHITECTURE};
use std::collections::BTreeSet;

/// Makes the claims of `sets` and sees to it that each is ours; a StatefulSet with one that is not
/// is held.
pub(super) async fn ensure(
    work: &Work<'_>,
    sets: &mut [StatefulSet],
    retention: &Retention,
    outcome: &mut Outcome,
) -> Result<(), Error> {
    for set in sets {
        keep_template(work, set, retention, outcome);
        for claim in claims(set) {
            let result = ensure_one(work, claim, retention).await;
            if outcome.take(result)?.is_none() {
                outcome.held.insert(set.name_any());
            }
        }
    }
    Ok(())
}

/// The claims that the StatefulSet's pods will ask for, as its controller would make them.
fn claims(set: &StatefulSet) -> Vec<Claim> {
    let Some(spec) = &set.spec else { return vec![] };
    let templates = spec.volume_claim_templates.iter().flatten();
    let ordinals = || 0..spec.replicas.unwrap_or(1);
    templates.flat_map(|template| ordinals().map(move |n| claim(set, template, n))).collect()
}

fn claim(set: &StatefulSet, template: &Claim, ordinal: i32) -> Claim {
    let selector = set.spec.iter().flat_map(|spec| spec.selector.match_labels.iter().flatten());
    let labels = template.metadata.labels.iter().flatten().chain(selector);
    let metadata = ObjectMeta {
        name: Some(format!("{}-{}-{ordinal}", template.name_any(), set.name_any())),
        namespace: set.namespace(),
        labels: Some(labels.map(|(key, value)| (key.clone(), value.clone())).collect()),
        ..ObjectMeta::default()
    };
    Claim { metadata, spec: template.spec.clone(), status: None }
}

/// A StatefulSet's claim templates cannot be changed: keeps those that it has, and says so.
///
/// In a new one the templates have the Architecture as their owner: while everything is being
/// deleted, its controller may make a claim again that is gone already, and nobody else would
/// remove that.
fn keep_template(
    work: &Work<'_>,
    set: &mut StatefulSet,
    retention: &Retention,
    outcome: &mut Outcome,
) {
    let live = work.cx.caches.stateful_sets.get(work.key(), &set.name_any());
    let live = live.and_then(|live| live.spec.as_ref()?.volume_claim_templates.clone());
    let title = set.title();
    let Some(templates) = set.spec.as_mut().and_then(|spec| spec.volume_claim_templates.as_mut())
    else {
        return;
    };
    let Some(live) = live else {
        let owners = (retention.when_deleted == Fate::Delete).then(|| vec![owner(work)]);
        for template in templates {
            template.metadata.owner_references.clone_from(&owners);
        }
        return;
    };
    if difference(templates, &live).is_some() {
        let size = live.first().and_then(size).unwrap_or_default();
        outcome.waits.push(format!("the volumes of {title} stay as they were made, with {size}"));
    }
    *templates = live;
}

fn size(claim: &Claim) -> Option<String> {
    let requests = claim.spec.as_ref()?.resources.as_ref()?.requests.as_ref()?;
    requests.get("storage").map(|size| size.0.clone())
}

async fn ensure_one(
    work: &Work<'_>,
    mut claim: Claim,
    retention: &Retention,
) -> Result<(), Failure> {
    let cache = &work.cx.caches.claims;
    if let Some(live) = cache.get(work.key(), &claim.name_any()) {
        ours(work, &live)?;
        return own(work, &live, retention).await;
    }
    if retention.when_deleted == Fate::Delete {
        claim.metadata.owner_references = Some(vec![owner(work)]);
    }
    let api: Api<Claim> = work.api();
    let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), dry_run: false };
    let failure = |error| Failure::of(&claim.title(), error);
    match api.create(&params, &claim).await {
        Ok(made) => {
            work.wrote(Mark::new(cache.progress(), &made.metadata));
            Ok(())
        }
        Err(kube::Error::Api(status)) if status.is_already_exists() => {
            let Some(live) = api.get_opt(&claim.name_any()).await.map_err(failure)? else {
                let message = format!("{} is going", claim.title());
                return Err(Failure::trouble(TroubleKind::Removal, message));
            };
            ours(work, &live)?;
            own(work, &live, retention).await
        }
        Err(error) => Err(failure(error)),
    }
}

/// Refuses what is somebody else's, and waits for what is on its way out.
fn ours(work: &Work<'_>, live: &Claim) -> Result<(), Failure> {
    let (title, name) = (live.title(), &work.key().name);
    let earlier = architecture_owners(&live.metadata)
        .any(|owner| owner.name == *name && owner.uid != work.uid());
    if live.metadata.deletion_timestamp.is_some() || earlier {
        let message =
            format!("waiting for {title} of an earlier Architecture or node to be removed");
        return Err(Failure::trouble(TroubleKind::Removal, message));
    }
    if live.labels().get(LABEL_ARCHITECTURE) == Some(name) {
        return Ok(());
    }
    let message = format!(
        "{title} exists and is not part of this Architecture: rename the Architecture, or delete \
         that claim if nobody needs what is on it"
    );
    Err(Failure::trouble(TroubleKind::Conflict, message))
}

fn owner(work: &Work<'_>) -> OwnerReference {
    OwnerReference {
        controller: None,
        block_owner_deletion: None,
        ..work.architecture.owner_ref(&()).unwrap_or_default()
    }
}

/// With an owner a claim goes with the Architecture, without it stays.
async fn own(work: &Work<'_>, live: &Claim, retention: &Retention) -> Result<(), Failure> {
    let wanted = retention.when_deleted == Fate::Delete;
    let owners = live.owner_references();
    if owners.iter().any(|owner| owner.uid == work.uid()) == wanted {
        return Ok(());
    }
    let others = owners.iter().filter(|owner| owner.uid != work.uid()).cloned();
    let metadata = ObjectMeta {
        uid: live.uid(),
        resource_version: live.resource_version(),
        owner_references: Some(others.chain(wanted.then(|| owner(work))).collect()),
        ..ObjectMeta::default()
    };
    match patch_metadata::<Claim>(&work.api(), &live.name_any(), metadata).await {
        Ok(made) => {
            work.wrote(Mark::new(work.cx.caches.claims.progress(), &made.metadata));
            Ok(())
        }
        // It changed meanwhile: the watch will tell, and then it is tried again.
        Err(kube::Error::Api(status)) if status.is_conflict() => Ok(()),
        Err(error) => Err(Failure::of(&live.title(), error)),
    }
}

/// Sees to the volumes of nodes and pods that are no more, as `spec.retention` says.
pub(super) async fn release(
    work: &Work<'_>,
    sets: &[StatefulSet],
    retention: &Retention,
    outcome: &mut Outcome,
) -> Result<(), Error> {
    let used: BTreeSet<_> = sets.iter().flat_map(claims).map(|claim| claim.name_any()).collect();
    let cached = work.cx.caches.claims.of(work.key());
    for claim in cached.iter().filter(|claim| !used.contains(&claim.name_any())) {
        let mut state = VolumeState::Deleting;
        if ours(work, claim).is_ok() {
            let blocked = !outcome.troubles.is_empty() || !outcome.waits.is_empty();
            if retention.when_dropped == Fate::Retain || blocked {
                let result = own(work, claim, retention).await;
                outcome.take(result)?;
                state = VolumeState::Retained;
            } else {
                let result = delete(work, claim).await;
                outcome.take(result)?;
            }
        }
        outcome.volumes.push(VolumeStatus { name: claim.name_any(), state });
    }
    Ok(())
}

async fn delete(work: &Work<'_>, claim: &Claim) -> Result<(), Failure> {
    let api: Api<Claim> = work.api();
    let (name, failure) = (claim.name_any(), |error| Failure::of(&claim.title(), error));
    let Some(live) = api.get_opt(&name).await.map_err(failure)? else { return Ok(()) };
    if live.uid() != claim.uid() || ours(work, &live).is_err() {
        return Ok(());
    }
    tracing::info!(architecture = %work.key(), claim = name, "deleting the volume of a dropped node");
    let same = Preconditions { uid: live.uid(), resource_version: live.resource_version() };
    match api.delete(&name, &DeleteParams::background().preconditions(same)).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(()),
        Err(error) => Err(failure(error)),
    }
}
