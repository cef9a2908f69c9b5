//! Makes objects as they are to be: creates, repairs, and never touches what is somebody else's.

use super::{
    cache::{Cache, Mark},
    error::{Error, Failure},
    key::{architecture_owners, is_controlled_by},
    watch::{is_our_update, was_created_by_us},
    work::{Outcome, Work},
};
use crate::{
    observe::IssueKind,
    render::{Objects, difference},
};
use k8s_openapi::{
    Metadata, NamespaceResourceScope,
    api::{apps::v1::StatefulSet, core::v1::ConfigMap},
    apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta},
};
use kube::{
    Api, Resource, ResourceExt,
    api::{PartialObjectMeta, PartialObjectMetaExt, Patch, PatchParams, PostParams},
};
use maquette_contract::{
    ComponentName,
    keys::{FIELD_MANAGER, LABEL_COMPONENT},
};
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt::Debug, sync::Arc};

/// A kind of object that the operator makes.
pub(super) trait Child:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Metadata<Ty = ObjectMeta>
    + Clone
    + Debug
    + Serialize
    + DeserializeOwned
    + Send
    + Sync
    + 'static
{
    /// `Deployment shop-web`: the object for a person to read.
    fn title(&self) -> String {
        format!("{} {}", Self::kind(&()), self.name_any())
    }
}

impl<K> Child for K where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Metadata<Ty = ObjectMeta>
        + Clone
        + Debug
        + Serialize
        + DeserializeOwned
        + Send
        + Sync
        + 'static
{
}

/// What was done with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// It is as it should be.
    Unchanged,
    /// It was created or changed.
    Written,
}

/// Makes `desired` true, with one write at most, or none if it is.
pub(super) async fn apply<K: Child>(
    work: &Work<'_>,
    cache: &Arc<Cache<K>>,
    desired: &K,
) -> Result<Done, Failure> {
    match cache.get(work.key(), &desired.name_any()) {
        Some(live) => repair(work, cache, desired, &live).await,
        None => create(work, cache, desired).await,
    }
}

async fn create<K: Child>(
    work: &Work<'_>,
    cache: &Arc<Cache<K>>,
    desired: &K,
) -> Result<Done, Failure> {
    let api: Api<K> = work.api();
    let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), dry_run: false };
    match api.create(&params, desired).await {
        Ok(made) => kept(work, cache, desired, &made),
        // Somebody else's, or ours and the cache is behind.
        Err(kube::Error::Api(status)) if status.is_already_exists() => {
            let title = desired.title();
            match api.get_opt(&desired.name_any()).await.map_err(|e| Failure::of(&title, e))? {
                Some(live) => {
                    let done = repair(work, cache, desired, &live).await?;
                    // Else it would be created again as long as the cache has not seen it.
                    work.wrote(Mark::new(cache.progress(), live.metadata()));
                    Ok(done)
                }
                None => Err(Failure::trouble(IssueKind::Removal, format!("{title} is going"))),
            }
        }
        Err(error) => Err(Failure::of(&desired.title(), error)),
    }
}

async fn repair<K: Child>(
    work: &Work<'_>,
    cache: &Arc<Cache<K>>,
    desired: &K,
    live: &K,
) -> Result<Done, Failure> {
    ours(work, live)?;
    let Some(field) = difference(desired, live) else { return Ok(Done::Unchanged) };
    tracing::info!(architecture = %work.key(), object = desired.title(), field, "applying");
    let api: Api<K> = work.api();
    let failure = |error| Failure::of(&desired.title(), error);
    if was_created_by_us(live) {
        take_over(&api, desired).await?;
    }
    let mut patch = desired.clone();
    // A precondition: never somebody else's that took the name meanwhile.
    Resource::meta_mut(&mut patch).uid = live.uid();
    let made = write(&api, &patch).await.map_err(failure)?;
    kept(work, cache, desired, &made)
}

/// Applies `object`. An entry of a list that somebody changed the key of, such as a port's number,
/// looks like one of theirs beside ours; where both cannot be, the lists are put back as a whole.
async fn write<K: Child>(api: &Api<K>, object: &K) -> Result<K, kube::Error> {
    let name = object.name_any();
    let params = PatchParams::apply(FIELD_MANAGER).force();
    match api.patch(&name, &params, &Patch::Apply(object)).await {
        Err(kube::Error::Api(status)) if status.is_invalid() => {
            let params = PatchParams {
                field_manager: Some(FIELD_MANAGER.to_owned()),
                ..PatchParams::default()
            };
            api.patch(&name, &params, &Patch::Merge(object)).await
        }
        result => result,
    }
}

/// What the API server made of it must say what was asked for; else somebody between us changes
/// it, and asking again at once would change nothing.
fn kept<K: Child>(
    work: &Work<'_>,
    cache: &Cache<K>,
    desired: &K,
    made: &K,
) -> Result<Done, Failure> {
    match difference(desired, made) {
        None => {
            work.wrote(Mark::new(cache.progress(), made.metadata()));
            Ok(Done::Written)
        }
        Some(field) => Err(Failure::trouble(
            IssueKind::Failed,
            format!(
                "{}: {field} does not keep the value that was applied; look for an admission \
                 webhook or policy that changes it",
                desired.title()
            ),
        )),
    }
}

/// Refuses what is somebody else's, and waits for what is on its way out.
pub(super) fn ours<K: Child>(work: &Work<'_>, live: &K) -> Result<(), Failure> {
    let (title, metadata) = (live.title(), live.metadata());
    let name = &work.key().name;
    if metadata.deletion_timestamp.is_some() {
        let message = format!("waiting for {title} to be removed");
        return Err(Failure::trouble(IssueKind::Removal, message));
    }
    if is_controlled_by(metadata, work.uid()) {
        return Ok(());
    }
    if architecture_owners(metadata).any(|owner| owner.name == *name) {
        let message =
            format!("waiting for {title} of an earlier Architecture {name} to be removed");
        return Err(Failure::trouble(IssueKind::Removal, message));
    }
    Err(Failure::trouble(
        IssueKind::Conflict,
        format!(
            "{title} exists and is not part of this Architecture: rename the Architecture, or \
             rename or delete that object"
        ),
    ))
}

/// Makes the fields that our create set those of our apply, so that an apply without one of them
/// removes it. The same as client-go's `csaupgrade` does.
async fn take_over<K: Child>(api: &Api<K>, desired: &K) -> Result<(), Failure> {
    let failure = |error| Failure::of(&desired.title(), error);
    let name = desired.name_any();
    let live = api.get_metadata(&name).await.map_err(failure)?;
    let managed = applied(live.metadata.managed_fields.unwrap_or_default());
    let metadata = ObjectMeta {
        uid: live.metadata.uid,
        resource_version: live.metadata.resource_version,
        managed_fields: Some(managed),
        ..ObjectMeta::default()
    };
    patch_metadata(api, &name, metadata).await.map(|_| ()).map_err(failure)
}

/// With the fields of our creation as those of an apply. Where there has been one already, what
/// else we wrote since belongs to nobody.
fn applied(managed: Vec<ManagedFieldsEntry>) -> Vec<ManagedFieldsEntry> {
    let is_apply = |entry: &ManagedFieldsEntry| {
        entry.manager.as_deref() == Some(FIELD_MANAGER)
            && entry.operation.as_deref() == Some("Apply")
            && entry.subresource.is_none()
    };
    let (ours, mut others): (Vec<_>, Vec<_>) = managed.into_iter().partition(is_our_update);
    if !others.iter().any(is_apply) {
        others.extend(
            ours.into_iter()
                .map(|entry| ManagedFieldsEntry { operation: Some("Apply".to_owned()), ..entry }),
        );
    }
    others
}

/// Changes metadata alone. The UID and resource version in it are preconditions.
pub(super) async fn patch_metadata<K: Child>(
    api: &Api<K>,
    name: &str,
    metadata: ObjectMeta,
) -> Result<PartialObjectMeta<K>, kube::Error> {
    let params =
        PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let patch = metadata.into_request_partial::<K>();
    api.patch_metadata(name, &params, &Patch::Merge(&patch)).await
}

/// Applies all of `objects`, but for StatefulSets that are held.
pub(super) async fn all(
    work: &Work<'_>,
    objects: &Objects,
    outcome: &mut Outcome,
) -> Result<(), Error> {
    let Objects {
        service_accounts,
        config_maps,
        services,
        deployments,
        stateful_sets,
        pod_disruption_budgets,
    } = objects;
    let caches = &work.cx.caches;
    kind(work, &caches.service_accounts, service_accounts, outcome).await?;
    let configured = configure(work, config_maps, outcome).await?;
    kind(work, &caches.services, services, outcome).await?;
    let deployed = kind(work, &caches.deployments, deployments, outcome).await?;
    let free = |set: &&StatefulSet| !outcome.held.contains(&set.name_any());
    let free: Vec<_> = stateful_sets.iter().filter(free).cloned().collect();
    let set = kind(work, &caches.stateful_sets, &free, outcome).await?;
    kind(work, &caches.pod_disruption_budgets, pod_disruption_budgets, outcome).await?;
    outcome.changing.extend([configured, deployed, set].into_iter().flatten());
    Ok(())
}

/// Applies the settings of components; returns those that were told something.
async fn configure(
    work: &Work<'_>,
    config_maps: &[ConfigMap],
    outcome: &mut Outcome,
) -> Result<Vec<ComponentName>, Error> {
    let configured = kind(work, &work.cx.caches.config_maps, config_maps, outcome).await;
    // Also where one of them failed: the others may have been told.
    match &configured {
        Ok(components) => {
            work.cx.void_reports(work.key(), |component| {
                components.iter().any(|told| told.as_str() == component)
            });
        }
        Err(_) => work.cx.void_reports(work.key(), |_| true),
    }
    configured
}

/// Applies the objects of one kind; returns the components whose objects were written.
async fn kind<K: Child>(
    work: &Work<'_>,
    cache: &Arc<Cache<K>>,
    desired: &[K],
    outcome: &mut Outcome,
) -> Result<Vec<ComponentName>, Error> {
    let mut written = vec![];
    for object in desired {
        let result = apply(work, cache, object).await;
        if outcome.take(result)? == Some(Done::Written) {
            written.extend(
                object.labels().get(LABEL_COMPONENT).and_then(|component| component.parse().ok()),
            );
        }
    }
    Ok(written)
}
