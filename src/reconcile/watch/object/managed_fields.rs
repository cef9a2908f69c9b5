//! Which managed fields of an object belong to our create request and not to an apply.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::{Resource, ResourceExt};
use maquette_contract::keys::FIELD_MANAGER;

/// Keeps of the managed fields only the entries of [`is_create_entry`], without the fields in
/// them: nothing else is read, and they are the larger part of an object.
pub(in crate::reconcile::watch) fn strip_managed_fields<K: Resource>(object: &mut K) {
    let entries = object.managed_fields_mut();
    entries.retain(is_create_entry);
    for entry in entries {
        entry.fields_v1 = None;
    }
}

/// Whether this is the entry of our create request.
pub(in crate::reconcile) fn is_create_entry(entry: &ManagedFieldsEntry) -> bool {
    entry.manager.as_deref() == Some(FIELD_MANAGER)
        && entry.operation.as_deref() == Some("Update")
        && entry.subresource.is_none()
}

/// Whether fields belong to our create request. An apply without such a field does not remove it.
pub(in crate::reconcile) fn has_create_fields(object: &impl Resource) -> bool {
    object.managed_fields().iter().any(is_create_entry)
}
