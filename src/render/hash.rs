//! Hashes of rendered content, kept in annotations of the objects.

use k8s_openapi::{
    Metadata, api::core::v1::PodTemplateSpec, apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use maquette_contract::{Revision, keys};
use serde::Serialize;

/// Adds the hash of the rest of `object` as an annotation, or updates it.
pub(super) fn annotate_hash<K: Metadata<Ty = ObjectMeta> + Serialize>(object: &mut K) {
    if let Some(annotations) = &mut object.metadata_mut().annotations {
        annotations.remove(keys::ANNOTATION_APPLIED_HASH);
    }
    let hash = hash_of(object);
    let annotations = object.metadata_mut().annotations.get_or_insert_default();
    annotations.insert(keys::ANNOTATION_APPLIED_HASH.to_owned(), hash);
}

/// Adds the hash of `template` as an annotation of the workload that `metadata` belongs to.
pub(super) fn annotate_template_hash(metadata: &mut ObjectMeta, template: &PodTemplateSpec) {
    let annotations = metadata.annotations.get_or_insert_default();
    annotations.insert(keys::ANNOTATION_TEMPLATE_HASH.to_owned(), hash_of(template));
}

fn hash_of(content: &impl Serialize) -> String {
    #[expect(clippy::expect_used, reason = "Kubernetes' own types have strings as keys")]
    let json = serde_json::to_vec(content).expect("an object is JSON");
    Revision::of_bytes(&json).to_string()
}
