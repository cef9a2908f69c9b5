//! The service account of the operator and its roles, and roles for users.

use super::{NAME, NAMESPACE, cluster_meta, namespaced_meta, rules};
use k8s_openapi::api::{
    core::v1::ServiceAccount,
    rbac::v1::{ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, Subject},
};

pub(super) fn service_account() -> ServiceAccount {
    ServiceAccount { metadata: namespaced_meta(NAME), ..ServiceAccount::default() }
}

/// The role of the operator, and those that Kubernetes aggregates into the cluster roles `view`,
/// `edit` and `admin`.
pub(super) fn cluster_roles() -> [ClusterRole; 3] {
    let operator = ClusterRole {
        metadata: cluster_meta(NAME),
        rules: Some(rules::cluster_rules()),
        aggregation_rule: None,
    };
    let view = user_role("maquette-view", &["admin", "edit", "view"], rules::view_rules());
    let edit = user_role("maquette-edit", &["admin", "edit"], rules::edit_rules());
    [operator, view, edit]
}

fn user_role(name: &str, aggregate_to: &[&str], rules: Vec<PolicyRule>) -> ClusterRole {
    let mut metadata = cluster_meta(name);
    let labels = metadata.labels.get_or_insert_default();
    for role in aggregate_to {
        let key = format!("rbac.authorization.k8s.io/aggregate-to-{role}");
        labels.insert(key, "true".to_owned());
    }
    ClusterRole { metadata, rules: Some(rules), aggregation_rule: None }
}

pub(super) fn cluster_role_binding() -> ClusterRoleBinding {
    ClusterRoleBinding {
        metadata: cluster_meta(NAME),
        role_ref: role_ref("ClusterRole"),
        subjects: Some(vec![operator_subject()]),
    }
}

pub(super) fn lease_role() -> Role {
    Role { metadata: namespaced_meta(NAME), rules: Some(rules::lease_rules()) }
}

pub(super) fn lease_role_binding() -> RoleBinding {
    RoleBinding {
        metadata: namespaced_meta(NAME),
        role_ref: role_ref("Role"),
        subjects: Some(vec![operator_subject()]),
    }
}

fn role_ref(kind: &str) -> RoleRef {
    RoleRef {
        api_group: "rbac.authorization.k8s.io".to_owned(),
        kind: kind.to_owned(),
        name: NAME.to_owned(),
    }
}

fn operator_subject() -> Subject {
    Subject {
        kind: "ServiceAccount".to_owned(),
        name: NAME.to_owned(),
        namespace: Some(NAMESPACE.to_owned()),
        api_group: None,
    }
}
