//! The hash of a rendered object, kept in an annotation of the object.

use k8s_openapi::{Metadata, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use maquette_contract::{Revision, keys};
use serde::Serialize;

/// Adds the hash of the rest of `object` as an annotation.
pub(super) fn annotate_hash<K: Metadata<Ty = ObjectMeta> + Serialize>(object: &mut K) {
    #[expect(clippy::expect_used, reason = "Kubernetes' own types have strings as keys")]
    let json = serde_json::to_vec(object).expect("an object is JSON");
    let hash = Revision::of_bytes(&json).to_string();
    let annotations = object.metadata_mut().annotations.get_or_insert_default();
    annotations.insert(keys::ANNOTATION_APPLIED_HASH.to_owned(), hash);
}
