//! What the operator may do, and what users may be given: no more than each needs.

use k8s_openapi::api::rbac::v1::PolicyRule;
use maquette_contract::keys;

const READ: [&str; 3] = ["get", "list", "watch"];

/// What the operator does in every namespace that it watches.
pub fn cluster_rules() -> Vec<PolicyRule> {
    let children = ["create", "delete", "get", "list", "patch", "watch"];
    vec![
        policy_rule(keys::GROUP, &["architectures"], &["list", "watch"]),
        policy_rule(keys::GROUP, &["architectures/status"], &["patch"]),
        // Owner references that block deletion ask for this where the cluster enforces it.
        policy_rule(keys::GROUP, &["architectures/finalizers"], &["update"]),
        policy_rule("", &["configmaps", "services"], &children),
        policy_rule("", &["serviceaccounts"], &["create", "get", "list", "patch", "watch"]),
        policy_rule("apps", &["deployments", "statefulsets"], &children),
        policy_rule("policy", &["poddisruptionbudgets"], &children),
        policy_rule("", &["persistentvolumeclaims"], &children),
        // Whether a volume may grow; without this right the API server is asked to try.
        policy_rule("storage.k8s.io", &["storageclasses"], &["get"]),
        policy_rule("", &["pods"], &["list", "patch", "watch"]),
        policy_rule("events.k8s.io", &["events"], &["create", "patch"]),
    ]
}

/// What the operator does in its own namespace: one of several replicas leads.
pub fn lease_rules() -> Vec<PolicyRule> {
    let lease = PolicyRule {
        resource_names: Some(vec![super::NAME.to_owned()]),
        ..policy_rule("coordination.k8s.io", &["leases"], &["get", "update"])
    };
    // What is to be created has no name yet that a rule could ask for.
    vec![policy_rule("coordination.k8s.io", &["leases"], &["create"]), lease]
}

/// What users of Architectures do who may change things.
pub fn edit_rules() -> Vec<PolicyRule> {
    let verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
    vec![policy_rule(keys::GROUP, &["architectures"], &verbs), status_rule()]
}

/// What users of Architectures do who only look.
pub fn view_rules() -> Vec<PolicyRule> {
    vec![policy_rule(keys::GROUP, &["architectures"], &READ), status_rule()]
}

fn status_rule() -> PolicyRule {
    policy_rule(keys::GROUP, &["architectures/status"], &["get"])
}

fn policy_rule(group: &str, resources: &[&str], verbs: &[&str]) -> PolicyRule {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    PolicyRule {
        api_groups: Some(owned(&[group])),
        resources: Some(owned(resources)),
        verbs: owned(verbs),
        ..PolicyRule::default()
    }
}
