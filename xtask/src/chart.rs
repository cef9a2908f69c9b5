//! The generated parts of the Helm chart: the CustomResourceDefinition, and the RBAC rules of the
//! operator and of users.

use crate::{install::rules, yaml};
use k8s_openapi::api::rbac::v1::PolicyRule;
use serde::Serialize;

/// The RBAC rules of each role. The field names are those in the chart's templates.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ChartRules {
    operator: Vec<PolicyRule>,
    own_namespace: Vec<PolicyRule>,
    unwatched: Vec<PolicyRule>,
    view: Vec<PolicyRule>,
    edit: Vec<PolicyRule>,
}

pub(crate) fn crd_yaml() -> Result<String, serde_norway::Error> {
    yaml::document(&maquette::api::CrdFile)
}

pub(crate) fn rules_yaml() -> Result<String, serde_norway::Error> {
    yaml::document(&ChartRules {
        operator: rules::cluster_rules(),
        own_namespace: rules::lease_rules(),
        unwatched: rules::unwatched_rules(),
        view: rules::view_rules(),
        edit: rules::edit_rules(),
    })
}
