//! Creates or updates one object.

use super::{
    super::{
        context::ReconcileContext,
        error::ApplyError,
        key::architecture_owners,
        watch::{Cache, has_create_fields},
    },
    child::{Child, create_params, merge_params},
    managed_fields::upgrade_managed_fields,
    repairs::record_repair,
};
use crate::{
    observe::{IssueKind, is_controlled_by},
    render::first_difference,
};
use kube::{
    Api, Resource, ResourceExt,
    api::{Patch, PatchParams},
};
use maquette_contract::keys::FIELD_MANAGER;
use std::sync::Arc;

/// What was done with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ApplyResult {
    /// It was as it should be.
    Unchanged,
    /// It was created or changed.
    Written,
}

/// Makes the live object equal `desired`, without a write if it is.
pub(super) async fn apply_object<K: Child>(
    cx: &ReconcileContext<'_>,
    cache: &Arc<Cache<K>>,
    desired: &K,
) -> Result<ApplyResult, ApplyError> {
    match cache.get(cx.key(), &desired.name_any()) {
        Some(live) => update_object(cx, cache, desired, &live).await,
        None => create_object(cx, cache, desired).await,
    }
}

async fn create_object<K: Child>(
    cx: &ReconcileContext<'_>,
    cache: &Arc<Cache<K>>,
    desired: &K,
) -> Result<ApplyResult, ApplyError> {
    let api: Api<K> = cx.api();
    let error = match api.create(&create_params(), desired).await {
        Ok(created) => return check_applied(cx, cache, desired, &created),
        Err(error) => error,
    };
    let name = desired.display_name();
    match error {
        // The object is not ours, or it is and the cache is behind.
        kube::Error::Api(status) if status.is_already_exists() => {
            let live = api
                .get_opt(&desired.name_any())
                .await
                .map_err(|error| ApplyError::from_kube(&name, error))?;
            let Some(live) = live else {
                let message = format!("waiting for {name} to be removed");
                return Err(ApplyError::from_issue(IssueKind::Removal, message));
            };
            let result = update_object(cx, cache, desired, &live).await?;
            // Without a fence, every reconcile would create it until the cache shows it.
            cx.record_write(cache.write_fence(live.metadata()));
            Ok(result)
        }
        error => Err(ApplyError::from_kube(&name, error)),
    }
}

async fn update_object<K: Child>(
    cx: &ReconcileContext<'_>,
    cache: &Arc<Cache<K>>,
    desired: &K,
    live: &K,
) -> Result<ApplyResult, ApplyError> {
    ensure_owned(cx, live)?;
    let Some(field) = first_difference(desired, live) else { return Ok(ApplyResult::Unchanged) };
    tracing::info!(architecture = %cx.key(), object = desired.display_name(), field, "applying");
    record_repair(cx, desired, &field).await?;
    let api: Api<K> = cx.api();
    if has_create_fields(live) {
        upgrade_managed_fields(&api, desired).await?;
    }
    let mut patch = desired.clone();
    // A precondition: never an object of another that took the name meanwhile.
    Resource::meta_mut(&mut patch).uid = live.uid();
    let written = server_side_apply(&api, &patch)
        .await
        .map_err(|error| ApplyError::from_kube(&desired.display_name(), error))?;
    check_applied(cx, cache, desired, &written)
}

async fn server_side_apply<K: Child>(api: &Api<K>, object: &K) -> Result<K, kube::Error> {
    let name = object.name_any();
    let params = PatchParams::apply(FIELD_MANAGER).force();
    match api.patch(&name, &params, &Patch::Apply(object)).await {
        // Where another client changed the key of a list's entry, such as a port's number, the
        // apply adds our entry beside it. If both together are invalid, a merge patch replaces the
        // whole list.
        Err(kube::Error::Api(status)) if status.is_invalid() => {
            api.patch(&name, &merge_params(), &Patch::Merge(object)).await
        }
        result => result,
    }
}

/// Records the write, if the API server returned `desired`. Else something between us and
/// the storage changes the object, and repeating the request would change nothing.
fn check_applied<K: Child>(
    cx: &ReconcileContext<'_>,
    cache: &Cache<K>,
    desired: &K,
    written: &K,
) -> Result<ApplyResult, ApplyError> {
    match first_difference(desired, written) {
        None => {
            cx.record_write(cache.write_fence(written.metadata()));
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

/// Refuses an object that the Architecture does not control or that is being deleted.
pub(in crate::reconcile) fn ensure_owned<K: Child>(
    cx: &ReconcileContext<'_>,
    live: &K,
) -> Result<(), ApplyError> {
    let (object, metadata) = (live.display_name(), live.metadata());
    let name = &cx.key().name;
    if metadata.deletion_timestamp.is_some() {
        let message = format!("waiting for {object} to be removed");
        return Err(ApplyError::from_issue(IssueKind::Removal, message));
    }
    if is_controlled_by(metadata, cx.uid()) {
        return Ok(());
    }
    if architecture_owners(metadata).any(|owner| owner.name == *name) {
        let message =
            format!("waiting for {object} of an earlier Architecture {name} to be removed");
        return Err(ApplyError::from_issue(IssueKind::Removal, message));
    }
    Err(ApplyError::from_issue(
        IssueKind::Conflict,
        format!(
            "{object} exists and is not part of this Architecture: rename the Architecture, or \
             rename or delete that object"
        ),
    ))
}
