//! Makes objects as they are to be: creates, repairs, and never touches what is somebody else's.

use super::{
    cache::{Cache, WriteFence},
    error::{ApplyError, ReconcileError},
    key::{architecture_owners, is_controlled_by},
    reconcile_context::{ReconcileContext, ReconcileOutcome},
    watch::{has_create_fields, is_create_entry},
};
use crate::{
    observe::IssueKind,
    render::{ObjectsByKind, first_difference},
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
    fn display_name(&self) -> String {
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
pub(super) enum ApplyResult {
    /// It is as it should be.
    Unchanged,
    /// It was created or changed.
    Written,
}

/// Makes `desired` true, with one write at most, or none if it is.
pub(super) async fn apply_object<K: Child>(
    work: &ReconcileContext<'_>,
    cache: &Arc<Cache<K>>,
    desired: &K,
) -> Result<ApplyResult, ApplyError> {
    match cache.get(work.key(), &desired.name_any()) {
        Some(live) => update_object(work, cache, desired, &live).await,
        None => create_object(work, cache, desired).await,
    }
}

async fn create_object<K: Child>(
    work: &ReconcileContext<'_>,
    cache: &Arc<Cache<K>>,
    desired: &K,
) -> Result<ApplyResult, ApplyError> {
    let api: Api<K> = work.api();
    let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), dry_run: false };
    match api.create(&params, desired).await {
        Ok(made) => check_applied(work, cache, desired, &made),
        // Somebody else's, or ours and the cache is behind.
        Err(kube::Error::Api(status)) if status.is_already_exists() => {
            let title = desired.display_name();
            match api
                .get_opt(&desired.name_any())
                .await
                .map_err(|e| ApplyError::from_kube(&title, e))?
            {
                Some(live) => {
                    let done = update_object(work, cache, desired, &live).await?;
                    // Else it would be created again as long as the cache has not seen it.
                    work.record_write(WriteFence::new(cache.progress(), live.metadata()));
                    Ok(done)
                }
                None => {
                    Err(ApplyError::from_issue(IssueKind::Removal, format!("{title} is going")))
                }
            }
        }
        Err(error) => Err(ApplyError::from_kube(&desired.display_name(), error)),
    }
}

async fn update_object<K: Child>(
    work: &ReconcileContext<'_>,
    cache: &Arc<Cache<K>>,
    desired: &K,
    live: &K,
) -> Result<ApplyResult, ApplyError> {
    ensure_owned(work, live)?;
    let Some(field) = first_difference(desired, live) else { return Ok(ApplyResult::Unchanged) };
    tracing::info!(architecture = %work.key(), object = desired.display_name(), field, "applying");
    let api: Api<K> = work.api();
    let failure = |error| ApplyError::from_kube(&desired.display_name(), error);
    if has_create_fields(live) {
        upgrade_managed_fields(&api, desired).await?;
    }
    let mut patch = desired.clone();
    // A precondition: never somebody else's that took the name meanwhile.
    Resource::meta_mut(&mut patch).uid = live.uid();
    let made = server_side_apply(&api, &patch).await.map_err(failure)?;
    check_applied(work, cache, desired, &made)
}

/// Applies `object`. An entry of a list that somebody changed the key of, such as a port's number,
/// looks like one of theirs beside ours; where both cannot be, the lists are put back as a whole.
async fn server_side_apply<K: Child>(api: &Api<K>, object: &K) -> Result<K, kube::Error> {
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
fn check_applied<K: Child>(
    work: &ReconcileContext<'_>,
    cache: &Cache<K>,
    desired: &K,
    made: &K,
) -> Result<ApplyResult, ApplyError> {
    match first_difference(desired, made) {
        None => {
            work.record_write(WriteFence::new(cache.progress(), made.metadata()));
            Ok(ApplyResult::Written)
        }
        Some(field) => Err(ApplyError::from_issue(
            IssueKind::Failed,
            format!(
                "{}: {field} does not keep the value that was applied; look for an admission \
                 webhook or policy that changes it",
                desired.display_name()
            ),
        )),
    }
}

/// Refuses what is somebody else's, and waits for what is on its way out.
pub(super) fn ensure_owned<K: Child>(
    work: &ReconcileContext<'_>,
    live: &K,
) -> Result<(), ApplyError> {
    let (title, metadata) = (live.display_name(), live.metadata());
    let name = &work.key().name;
    if metadata.deletion_timestamp.is_some() {
        let message = format!("waiting for {title} to be removed");
        return Err(ApplyError::from_issue(IssueKind::Removal, message));
    }
    if is_controlled_by(metadata, work.uid()) {
        return Ok(());
    }
    if architecture_owners(metadata).any(|owner| owner.name == *name) {
        let message =
            format!("waiting for {title} of an earlier Architecture {name} to be removed");
        return Err(ApplyError::from_issue(IssueKind::Removal, message));
    }
    Err(ApplyError::from_issue(
        IssueKind::Conflict,
        format!(
            "{title} exists and is not part of this Architecture: rename the Architecture, or \
             rename or delete that object"
        ),
    ))
}

/// Makes the fields that our create set those of our apply, so that an apply without one of them
/// removes it. The same as client-go's `csaupgrade` does.
async fn upgrade_managed_fields<K: Child>(api: &Api<K>, desired: &K) -> Result<(), ApplyError> {
    let failure = |error| ApplyError::from_kube(&desired.display_name(), error);
    let name = desired.name_any();
    let live = api.get_metadata(&name).await.map_err(failure)?;
    let managed = to_apply_entries(live.metadata.managed_fields.unwrap_or_default());
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
fn to_apply_entries(managed: Vec<ManagedFieldsEntry>) -> Vec<ManagedFieldsEntry> {
    let is_apply = |entry: &ManagedFieldsEntry| {
        entry.manager.as_deref() == Some(FIELD_MANAGER)
            && entry.operation.as_deref() == Some("Apply")
            && entry.subresource.is_none()
    };
    let (ours, mut others): (Vec<_>, Vec<_>) = managed.into_iter().partition(is_create_entry);
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
pub(super) async fn apply_objects(
    work: &ReconcileContext<'_>,
    objects: &ObjectsByKind,
    outcome: &mut ReconcileOutcome,
) -> Result<(), ReconcileError> {
    let ObjectsByKind {
        service_accounts,
        config_maps,
        services,
        deployments,
        stateful_sets,
        pod_disruption_budgets,
    } = objects;
    let caches = &work.shared.caches;
    apply_kind(work, &caches.service_accounts, service_accounts, outcome).await?;
    let configured = apply_config_maps(work, config_maps, outcome).await?;
    apply_kind(work, &caches.services, services, outcome).await?;
    let deployed = apply_kind(work, &caches.deployments, deployments, outcome).await?;
    let free = |set: &&StatefulSet| !outcome.held_sets.contains(&set.name_any());
    let free: Vec<_> = stateful_sets.iter().filter(free).cloned().collect();
    let set = apply_kind(work, &caches.stateful_sets, &free, outcome).await?;
    apply_kind(work, &caches.pod_disruption_budgets, pod_disruption_budgets, outcome).await?;
    outcome.changing.extend([configured, deployed, set].into_iter().flatten());
    Ok(())
}

/// Applies the settings of components; returns those that were told something.
async fn apply_config_maps(
    work: &ReconcileContext<'_>,
    config_maps: &[ConfigMap],
    outcome: &mut ReconcileOutcome,
) -> Result<Vec<ComponentName>, ReconcileError> {
    let configured = apply_kind(work, &work.shared.caches.config_maps, config_maps, outcome).await;
    // Also where one of them failed: the others may have been told.
    match &configured {
        Ok(components) => {
            work.shared.invalidate_reports(work.key(), |component| {
                components.iter().any(|told| told.as_str() == component)
            });
        }
        Err(_) => work.shared.invalidate_reports(work.key(), |_| true),
    }
    configured
}

/// Applies the objects of one kind; returns the components whose objects were written.
async fn apply_kind<K: Child>(
    work: &ReconcileContext<'_>,
    cache: &Arc<Cache<K>>,
    desired: &[K],
    outcome: &mut ReconcileOutcome,
) -> Result<Vec<ComponentName>, ReconcileError> {
    let mut written = vec![];
    for object in desired {
        let result = apply_object(work, cache, object).await;
        if outcome.record_result(result)? == Some(ApplyResult::Written) {
            written.extend(
                object.labels().get(LABEL_COMPONENT).and_then(|component| component.parse().ok()),
            );
        }
    }
    Ok(written)
}
