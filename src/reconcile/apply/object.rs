//! Creates or updates one object.

use super::{
    super::{
        context::ReconcileContext,
        error::ApplyError,
        state::WrittenObject,
        watch::{Cache, has_create_fields},
    },
    child::{Child, content_hash, create_params, merge_params},
    managed_fields::upgrade_managed_fields,
    owner::ensure_owned,
    repairs::{check_repair, record_repair},
};
use crate::{observe::IssueKind, render::first_difference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{
    Api, Resource, ResourceExt,
    api::{Patch, PatchParams},
};
use maquette_contract::keys::FIELD_MANAGER;
use std::sync::Arc;

/// Attempts to write one object. Other controllers change it too, mostly its status.
pub(in crate::reconcile) const MAX_ATTEMPTS: u32 = 4;

/// What was done with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ApplyResult {
    /// It was as it should be.
    Unchanged,
    /// It was created or changed.
    Written,
}

/// Why one attempt to write an object failed.
enum WriteError {
    Final(ApplyError),
    /// The object was created, changed or deleted since it was read: the next attempt reads it.
    Outdated(String),
}

impl From<ApplyError> for WriteError {
    fn from(error: ApplyError) -> Self {
        Self::Final(error)
    }
}

impl WriteError {
    fn from_kube<K: Child>(desired: &K, error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) if matches!(status.code, 404 | 409) => {
                Self::Outdated(status.message)
            }
            error => Self::Final(ApplyError::from_kube(&desired.display_name(), &error)),
        }
    }
}

/// Why a live object must not be overwritten, if it must not.
pub(super) type ContentCheck<K> = fn(&K) -> Option<String>;

/// Makes the live object equal `desired`, without a write if it is. With a `check`, exactly the object
/// that was checked is overwritten.
pub(super) async fn apply_object<K: Child>(
    cx: &ReconcileContext<'_>,
    cache: &Arc<Cache<K>>,
    desired: &K,
    check: Option<ContentCheck<K>>,
) -> Result<ApplyResult, ApplyError> {
    let content = content_hash(desired);
    let name = desired.name_any();
    // Also its owner is as it should be: the reference is part of the content.
    if cache.is_confirmed(cx.key(), &name, content) {
        return Ok(ApplyResult::Unchanged);
    }
    let mut live = cache.get(cx.key(), &name);
    if let Some(live) = &live
        && is_as_written(cx, desired, live.metadata(), content)
    {
        cache.confirm(cx.key(), live.metadata(), content);
        return Ok(ApplyResult::Unchanged);
    }
    let mut last_conflict = String::new();
    for _ in 0..MAX_ATTEMPTS {
        let result = match &live {
            Some(live) => update_object(cx, cache, (desired, content), live, check).await,
            None => create_object(cx, cache, (desired, content)).await,
        };
        last_conflict = match result {
            Ok(result) => {
                if let (ApplyResult::Unchanged, Some(live)) = (result, &live) {
                    cache.confirm(cx.key(), live.metadata(), content);
                }
                return Ok(result);
            }
            Err(WriteError::Final(error)) => return Err(error),
            Err(WriteError::Outdated(message)) => message,
        };
        live = read_object(cx, cache, desired).await?;
    }
    let object = desired.display_name();
    Err(ApplyError::from_issue(
        IssueKind::Unavailable,
        format!("{object}: it changed during each of {MAX_ATTEMPTS} attempts: {last_conflict}"),
    ))
}

/// Whether `live` is the version that the last write of this content returned: that was compared.
fn is_as_written<K: Child>(
    cx: &ReconcileContext<'_>,
    desired: &K,
    live: &ObjectMeta,
    content: u64,
) -> bool {
    // The caches have seen the write: any other version by now is a later one.
    let written = cx.with_state(|state| state.written.remove(&desired.display_name()));
    written.is_some_and(|written| {
        written.content == content
            && written.version.is_some()
            && written.version == live.resource_version
    })
}

/// The live object, from the API server: the cache is behind.
async fn read_object<K: Child>(
    cx: &ReconcileContext<'_>,
    cache: &Arc<Cache<K>>,
    desired: &K,
) -> Result<Option<Arc<K>>, ApplyError> {
    let api: Api<K> = cx.api();
    let live = api
        .get_opt(&desired.name_any())
        .await
        .map_err(|error| ApplyError::from_kube(&desired.display_name(), &error))?;
    let Some(live) = live else { return Ok(None) };
    ensure_owned(cx, desired, live.metadata())?;
    // Without a fence, every reconcile would create it until the cache shows it.
    cx.record_write(cache.write_fence(live.metadata()));
    Ok(Some(Arc::new(live)))
}

async fn create_object<K: Child>(
    cx: &ReconcileContext<'_>,
    cache: &Arc<Cache<K>>,
    (desired, content): (&K, u64),
) -> Result<ApplyResult, WriteError> {
    let api: Api<K> = cx.api();
    let created = api
        .create(&create_params(), desired)
        .await
        .map_err(|error| WriteError::from_kube(desired, error))?;
    Ok(check_applied(cx, cache, (desired, content), &created)?)
}

async fn update_object<K: Child>(
    cx: &ReconcileContext<'_>,
    cache: &Arc<Cache<K>>,
    (desired, content): (&K, u64),
    live: &K,
    check: Option<ContentCheck<K>>,
) -> Result<ApplyResult, WriteError> {
    ensure_owned(cx, desired, live.metadata())?;
    if let Some(problem) = check.and_then(|check| check(live)) {
        return Err(ApplyError::unreadable_settings(&problem).into());
    }
    let Some(field) = first_difference(desired, live) else { return Ok(ApplyResult::Unchanged) };
    tracing::info!(architecture = %cx.key(), object = desired.display_name(), field, "applying");
    let repair = check_repair(cx, desired, &field).await?;
    let api: Api<K> = cx.api();
    let written = write_object(&api, desired, live, check.is_some())
        .await
        .map_err(|error| WriteError::from_kube(desired, error))?;
    let result = check_applied(cx, cache, (desired, content), &written)?;
    record_repair(cx, repair);
    Ok(result)
}

/// Applies `desired` over `live`; `is_exact`: only over this version of it.
async fn write_object<K: Child>(
    api: &Api<K>,
    desired: &K,
    live: &K,
    is_exact: bool,
) -> Result<K, kube::Error> {
    let mut version = live.resource_version().filter(|_| is_exact);
    if has_create_fields(live) {
        let upgraded = upgrade_managed_fields(api, &desired.name_any(), version.as_ref()).await?;
        version = upgraded.filter(|_| is_exact);
    }
    let mut patch = desired.clone();
    let metadata = Resource::meta_mut(&mut patch);
    // Preconditions: never an object of another that took the name meanwhile.
    metadata.uid = live.uid();
    metadata.resource_version = version;
    server_side_apply(api, &patch).await
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

/// Records the write, if the API server returned `desired`, whose content has this hash. Else
/// something between us and the storage changes the object, and repeating the request would change
/// nothing.
fn check_applied<K: Child>(
    cx: &ReconcileContext<'_>,
    cache: &Cache<K>,
    (desired, content): (&K, u64),
    written: &K,
) -> Result<ApplyResult, ApplyError> {
    match first_difference(desired, written) {
        None => {
            cx.record_write(cache.write_fence(written.metadata()));
            let version = written.resource_version();
            let object = WrittenObject { version, content };
            cx.with_state(|state| state.written.insert(desired.display_name(), object));
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

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::Service;
    use kube::core::Status;

    #[test]
    fn an_object_that_changed_meanwhile_is_read_again() {
        let failure = |code: u16| {
            let status = Status { code, message: "so it is".to_owned(), ..Status::default() };
            WriteError::from_kube(&Service::default(), kube::Error::Api(Box::new(status)))
        };
        for code in [404, 409] {
            assert!(matches!(failure(code), WriteError::Outdated(_)), "{code}");
        }
        for code in [403, 422, 500] {
            assert!(matches!(failure(code), WriteError::Final(_)), "{code}");
        }
    }
}
