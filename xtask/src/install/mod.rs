//! The objects that install the operator: `manifests/install.yaml`, and the RBAC rules that the
//! Helm chart uses too.

mod account;
mod namespace;
mod operator;
pub mod rules;

use crate::yaml::documents;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use maquette_contract::keys;
use serde::Serialize;
use std::collections::BTreeMap;

/// The namespace of the operator.
pub const NAMESPACE: &str = "maquette-system";
/// The name of the operator's objects.
pub const NAME: &str = "maquette";

/// All objects, in the order in which they must be applied.
pub(crate) fn install_yaml() -> Result<String, serde_norway::Error> {
    let mut parts = vec![to_yaml(&namespace::namespace())?, to_yaml(&maquette::api::CrdFile)?];
    parts.push(to_yaml(&account::service_account())?);
    for role in account::cluster_roles() {
        parts.push(to_yaml(&role)?);
    }
    parts.push(to_yaml(&account::cluster_role_binding())?);
    parts.push(to_yaml(&account::lease_role())?);
    parts.push(to_yaml(&account::lease_role_binding())?);
    parts.push(to_yaml(&operator::metrics_service())?);
    parts.push(to_yaml(&operator::deployment())?);
    Ok(documents(&parts))
}

fn to_yaml(object: &impl Serialize) -> Result<String, serde_norway::Error> {
    serde_norway::to_string(object)
}

/// The metadata of a cluster-scoped object.
fn cluster_meta(name: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        labels: Some(common_labels()),
        ..ObjectMeta::default()
    }
}

/// The metadata of an object in [`NAMESPACE`].
fn namespaced_meta(name: &str) -> ObjectMeta {
    ObjectMeta { namespace: Some(NAMESPACE.to_owned()), ..cluster_meta(name) }
}

/// The labels that select the operator's pods.
fn pod_selector() -> BTreeMap<String, String> {
    [(keys::LABEL_APP_COMPONENT, "operator"), (keys::LABEL_NAME, keys::MANAGER)]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

fn common_labels() -> BTreeMap<String, String> {
    let mut labels = pod_selector();
    labels.insert("app.kubernetes.io/version".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    labels
}
