//! Deletes one object and records that the operator did.

use super::{
    super::{context::ReconcileContext, error::ApplyError},
    child::Child,
};
use crate::observe::is_controlled_by;
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Preconditions},
};

/// Deletes `object` if it still exists and the Architecture still controls it. `reason` is for the
/// log.
pub(in crate::reconcile) async fn delete_object<K: Child>(
    cx: &ReconcileContext<'_>,
    object: &K,
    params: DeleteParams,
    reason: &str,
) -> Result<(), ApplyError> {
    let api: Api<K> = cx.api();
    let name = object.name_any();
    let live = api
        .get_metadata_opt(&name)
        .await
        .map_err(|error| ApplyError::from_kube(&object.display_name(), &error))?;
    let Some(live) = live else { return Ok(()) };
    let is_same = live.metadata.uid == object.metadata().uid;
    if !is_same || !is_controlled_by(&live.metadata, cx.uid()) {
        return Ok(());
    }
    tracing::info!(architecture = %cx.key(), object = object.display_name(), "{reason}");
    // Before the request: the caches may see the deletion before its answer.
    cx.mark_deleted(object.metadata());
    let same_object = Preconditions { uid: live.metadata.uid, resource_version: None };
    match api.delete(&name, &params.preconditions(same_object)).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(()),
        Err(error) => {
            cx.unmark_deleted(object.metadata());
            Err(ApplyError::from_kube(&object.display_name(), &error))
        }
    }
}
