//! The types of objects that the operator creates, and the parameters of its writes.

use k8s_openapi::{
    Metadata, NamespaceResourceScope, apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{
    Api, Resource, ResourceExt,
    api::{PartialObjectMeta, PartialObjectMetaExt, Patch, PatchParams, PostParams},
};
use maquette_contract::keys::FIELD_MANAGER;
use serde::{Serialize, de::DeserializeOwned};
use std::{
    fmt::Debug,
    hash::{DefaultHasher, Hash, Hasher},
};

/// A type of object that the operator creates.
pub(in crate::reconcile) trait Child:
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
    /// `Deployment shop-web`: the object as messages name it.
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

/// A hash of all of the object.
pub(super) fn content_hash<K: Child>(object: &K) -> u64 {
    let mut hasher = DefaultHasher::new();
    serde_json::to_vec(object).unwrap_or_default().hash(&mut hasher);
    hasher.finish()
}

/// The parameters of a create request.
pub(in crate::reconcile) fn create_params() -> PostParams {
    PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), dry_run: false }
}

/// The parameters of a merge patch.
pub(in crate::reconcile) fn merge_params() -> PatchParams {
    PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() }
}

/// Changes metadata alone. The UID and resource version in it are preconditions.
pub(in crate::reconcile) async fn patch_metadata<K: Child>(
    api: &Api<K>,
    name: &str,
    metadata: ObjectMeta,
) -> Result<PartialObjectMeta<K>, kube::Error> {
    let patch = metadata.into_request_partial::<K>();
    api.patch_metadata(name, &merge_params(), &Patch::Merge(&patch)).await
}
