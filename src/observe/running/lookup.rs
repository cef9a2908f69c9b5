//! Finds an object by name, and the component of an object.

use k8s_openapi::{Metadata, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use maquette_contract::{ComponentName, keys::LABEL_COMPONENT};
use std::sync::Arc;

/// The component that the object's label names.
pub(super) fn component_of(metadata: &ObjectMeta) -> Option<ComponentName> {
    metadata.labels.as_ref()?.get(LABEL_COMPONENT)?.parse().ok()
}

/// The object of this name.
pub(super) fn find_named<'a, K: Metadata<Ty = ObjectMeta>>(
    objects: &'a [Arc<K>],
    name: &str,
) -> Option<&'a K> {
    // Not by label: a user may change a label, and it is repaired only later.
    objects.iter().map(Arc::as_ref).find(|object| object.metadata().name.as_deref() == Some(name))
}
