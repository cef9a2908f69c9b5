//! Deletes one of the Architecture's objects, and remembers that it was the operator who did.

use super::{apply::Child, error::Failure, key::is_controlled_by, work::Work};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Preconditions},
};

/// Deletes `object` if it is still there and still the Architecture's. `why` is for the log.
pub(super) async fn delete<K: Child>(
    work: &Work<'_>,
    object: &K,
    params: DeleteParams,
    why: &str,
) -> Result<(), Failure> {
    let api: Api<K> = work.api();
    let (name, failure) = (object.name_any(), |error| Failure::of(&object.title(), error));
    let Some(live) = api.get_metadata_opt(&name).await.map_err(failure)? else { return Ok(()) };
    let same = live.metadata.uid == object.metadata().uid;
    if !same || !is_controlled_by(&live.metadata, work.uid()) {
        return Ok(());
    }
    tracing::info!(architecture = %work.key(), object = object.title(), "{why}");
    work.deletes(object.metadata());
    let same = Preconditions { uid: live.metadata.uid, resource_version: None };
    match api.delete(&name, &params.preconditions(same)).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(()),
        Err(error) => {
            work.keeps(object.metadata());
            Err(failure(error))
        }
    }
}
