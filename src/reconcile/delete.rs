//! Deletes one of the Architecture's objects, and remembers that it was the operator who did.

use super::{
    apply::Child, error::ApplyError, key::is_controlled_by, reconcile_context::ReconcileContext,
};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Preconditions},
};

/// Deletes `object` if it is still there and still the Architecture's. `why` is for the log.
pub(super) async fn delete_object<K: Child>(
    work: &ReconcileContext<'_>,
    object: &K,
    params: DeleteParams,
    why: &str,
) -> Result<(), ApplyError> {
    let api: Api<K> = work.api();
    let (name, failure) =
        (object.name_any(), |error| ApplyError::from_kube(&object.display_name(), error));
    let Some(live) = api.get_metadata_opt(&name).await.map_err(failure)? else { return Ok(()) };
    let same = live.metadata.uid == object.metadata().uid;
    if !same || !is_controlled_by(&live.metadata, work.uid()) {
        return Ok(());
    }
    tracing::info!(architecture = %work.key(), object = object.display_name(), "{why}");
    work.mark_deleted(object.metadata());
    let same = Preconditions { uid: live.metadata.uid, resource_version: None };
    match api.delete(&name, &params.preconditions(same)).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(()),
        Err(error) => {
            work.unmark_deleted(object.metadata());
            Err(failure(error))
        }
    }
}
