//! What all types of objects that the operator makes have in common.

use k8s_openapi::{
    Metadata, NamespaceResourceScope, apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{
    Api, Resource, ResourceExt,
    api::{PartialObjectMeta, PartialObjectMetaExt, Patch, PatchParams},
};
use maquette_contract::keys::FIELD_MANAGER;
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;

/// A type of object that the operator makes.
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

/// Changes metadata alone. The UID and resource version in it are preconditions.
pub(in crate::reconcile) async fn patch_metadata<K: Child>(
    api: &Api<K>,
    name: &str,
    metadata: ObjectMeta,
) -> Result<PartialObjectMeta<K>, kube::Error> {
    let params =
        PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let patch = metadata.into_request_partial::<K>();
    api.patch_metadata(name, &params, &Patch::Merge(&patch)).await
}
