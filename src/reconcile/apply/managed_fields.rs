//! Moves the fields that our create request set to our apply, so that an apply without one of them
//! removes it. The same as client-go's `csaupgrade`.

use super::{
    super::watch::is_create_entry,
    child::{Child, patch_metadata},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};
use kube::Api;
use maquette_contract::keys::FIELD_MANAGER;

/// Upgrades the managed fields of the live object of this name, or only of its `version`. Returns the
/// version after that.
///
/// # Errors
/// 409 if the object has another version, or changes meanwhile.
pub(super) async fn upgrade_managed_fields<K: Child>(
    api: &Api<K>,
    name: &str,
    version: Option<&String>,
) -> Result<Option<String>, kube::Error> {
    let live = api.get_metadata(name).await?;
    let entries = to_apply_entries(live.metadata.managed_fields.unwrap_or_default());
    let metadata = ObjectMeta {
        uid: live.metadata.uid,
        resource_version: version.cloned().or(live.metadata.resource_version),
        managed_fields: Some(entries),
        ..ObjectMeta::default()
    };
    let written = patch_metadata(api, name, metadata).await?;
    Ok(written.metadata.resource_version)
}

/// Turns the entry of our create request into one of an apply. If there is one of an apply
/// already, the create entry is dropped: its fields have no manager then.
fn to_apply_entries(managed: Vec<ManagedFieldsEntry>) -> Vec<ManagedFieldsEntry> {
    let (ours, mut others): (Vec<_>, Vec<_>) = managed.into_iter().partition(is_create_entry);
    if !others.iter().any(is_apply_entry) {
        others.extend(
            ours.into_iter()
                .map(|entry| ManagedFieldsEntry { operation: Some("Apply".to_owned()), ..entry }),
        );
    }
    others
}

fn is_apply_entry(entry: &ManagedFieldsEntry) -> bool {
    entry.manager.as_deref() == Some(FIELD_MANAGER)
        && entry.operation.as_deref() == Some("Apply")
        && entry.subresource.is_none()
}
