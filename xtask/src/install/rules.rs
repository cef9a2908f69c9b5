//! What the operator may do, and what users may be given: no more than each needs.

use k8s_openapi::api::rbac::v1::PolicyRule;
use maquette_contract::keys;

const READ: [&str; 3] = ["get", "list", "watch"];

/// What the operator does in every namespace that it watches.
pub fn cluster() -> Vec<PolicyRule> {
    let children = ["create", "delete", "get", "list", "patch", "watch"];
    vec![
        rule(keys::GROUP, &["architectures"], &["list", "watch"]),
        rule(keys::GROUP, &["architectures/status"], &["patch"]),
        // Owner references that block deletion ask for this where the cluster enforces it.
        rule(keys::GROUP, &["architectures/finalizers"], &["update"]),
        rule("", &["configmaps", "services"], &children),
        rule("", &["serviceaccounts"], &["create", "get", "list", "patch", "watch"]),
        rule("apps", &["deployments", "statefulsets"], &children),
        rule("policy", &["poddisruptionbudgets"], &children),
        rule("", &["persistentvolumeclaims"], &children),
        // Whether a volume may grow; without this right the API server is asked to try.
        rule("storage.k8s.io", &["storageclasses"], &["get"]),
        rule("", &["pods"], &["list", "patch", "watch"]),
        rule("events.k8s.io", &["events"], &["create", "patch"]),
    ]
}

/// What the operator does in its own namespace: one of several replicas leads.
pub fn own_namespace() -> Vec<PolicyRule> {
    let lease = PolicyRule {
        resource_names: Some(vec![super::NAME.to_owned()]),
        ..rule("coordination.k8s.io", &["leases"], &["get", "update"])
    };
    // What is to be created has no name yet that a rule could ask for.
    vec![rule("coordination.k8s.io", &["leases"], &["create"]), lease]
}

/// What users of Architectures do who may change things.
pub fn edit() -> Vec<PolicyRule> {
    let verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
    vec![rule(keys::GROUP, &["architectures"], &verbs), status()]
}

/// What users of Architectures do who only look.
pub fn view() -> Vec<PolicyRule> {
    vec![rule(keys::GROUP, &["architectures"], &READ), status()]
}

fn status() -> PolicyRule {
    rule(keys::GROUP, &["architectures/status"], &["get"])
}

fn rule(group: &str, resources: &[&str], verbs: &[&str]) -> PolicyRule {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    PolicyRule {
        api_groups: Some(owned(&[group])),
        resources: Some(owned(resources)),
        verbs: owned(verbs),
        ..PolicyRule::default()
    }
}
