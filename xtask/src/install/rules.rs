//! RBAC rules of the operator and of users: the least that each needs.

use k8s_openapi::api::rbac::v1::PolicyRule;
use maquette_contract::keys;

const READ: [&str; 3] = ["get", "list", "watch"];

/// The operator's rules in the namespaces that it watches.
pub fn cluster_rules() -> Vec<PolicyRule> {
    let children = ["create", "delete", "get", "list", "patch", "watch"];
    vec![
        policy_rule(keys::GROUP, &["architectures"], &["list", "watch"]),
        policy_rule(keys::GROUP, &["architectures/status"], &["patch"]),
        // For owner references with `blockOwnerDeletion`, if the cluster runs the admission plugin
        // OwnerReferencesPermissionEnforcement.
        policy_rule(keys::GROUP, &["architectures/finalizers"], &["update"]),
        policy_rule("", &["configmaps", "services"], &children),
        policy_rule("", &["serviceaccounts"], &["create", "get", "list", "patch", "watch"]),
        policy_rule("apps", &["deployments", "statefulsets"], &children),
        policy_rule("policy", &["poddisruptionbudgets"], &children),
        policy_rule("", &["persistentvolumeclaims"], &children),
        // For `allowVolumeExpansion`, and for the names of those that exist where a claim gets no
        // volume. Without this rule, the operator tries to grow the volume and names none.
        policy_rule("storage.k8s.io", &["storageclasses"], &["get", "list"]),
        // Created: canaries, before the pods of a StatefulSet or of the load are replaced. Deleted:
        // canaries, and pods that their StatefulSet's controller does not replace.
        policy_rule("", &["pods"], &["create", "delete", "list", "patch", "watch"]),
        // Why pods are refused or do not start, and which autoscaler scales a Deployment.
        policy_rule("", &["events"], &["list"]),
        policy_rule("autoscaling", &["horizontalpodautoscalers"], &["list"]),
        policy_rule("events.k8s.io", &["events"], &["create", "patch"]),
        // Whether another installation that builds an Architecture still runs.
        policy_rule("coordination.k8s.io", &["leases"], &["get"]),
    ]
}

/// The operator's rules outside of the namespaces that it watches, if it does not watch all of them:
/// StorageClasses are in no namespace, and other installations may be in any.
pub fn unwatched_rules() -> Vec<PolicyRule> {
    vec![
        policy_rule("storage.k8s.io", &["storageclasses"], &["get", "list"]),
        policy_rule("coordination.k8s.io", &["leases"], &["get"]),
    ]
}

/// The operator's rules in its own namespace, for leader election.
pub fn lease_rules() -> Vec<PolicyRule> {
    let lease = PolicyRule {
        resource_names: Some(vec![super::NAME.to_owned()]),
        ..policy_rule("coordination.k8s.io", &["leases"], &["update"])
    };
    // RBAC cannot restrict `create` by the name of the object. The leases of other installations say
    // whether these run.
    vec![policy_rule("coordination.k8s.io", &["leases"], &["create", "get"]), lease]
}

/// The rules of users who may change Architectures.
pub fn edit_rules() -> Vec<PolicyRule> {
    let verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
    vec![policy_rule(keys::GROUP, &["architectures"], &verbs), status_rule()]
}

/// The rules of users who may read Architectures.
pub fn view_rules() -> Vec<PolicyRule> {
    vec![policy_rule(keys::GROUP, &["architectures"], &READ), status_rule()]
}

fn status_rule() -> PolicyRule {
    policy_rule(keys::GROUP, &["architectures/status"], &["get"])
}

fn policy_rule(group: &str, resources: &[&str], verbs: &[&str]) -> PolicyRule {
    PolicyRule {
        api_groups: Some(to_strings(&[group])),
        resources: Some(to_strings(resources)),
        verbs: to_strings(verbs),
        ..PolicyRule::default()
    }
}

fn to_strings(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
