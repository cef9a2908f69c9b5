//! The operator's namespace; it admits only pods of the Pod Security Standard `restricted`.

use super::{NAMESPACE, cluster_meta};
use k8s_openapi::api::core::v1::Namespace;

pub(super) fn namespace() -> Namespace {
    let mut metadata = cluster_meta(NAMESPACE);
    let labels = metadata.labels.get_or_insert_default();
    labels.insert("pod-security.kubernetes.io/enforce".to_owned(), "restricted".to_owned());
    Namespace { metadata, ..Namespace::default() }
}
