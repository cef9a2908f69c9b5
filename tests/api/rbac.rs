//! The operator is granted what it asks for, and nothing else. What it asks for is what one operator
//! does here, on a control plane of its own, whatever other tests run beside it. That it lacks
//! nothing every other test shows too: all operators have only what is granted.

use crate::support::{
    ControlPlane, FakeKubelet, FakeProvisioner, Operator, Request, TestNamespace, api_of_child,
    eventually, seconds, soon,
};
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{PersistentVolumeClaim, Service},
    rbac::v1::{ClusterRole, PolicyRule, Role},
};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use std::collections::BTreeSet;

type Permission = (String, String, String);

#[tokio::test]
async fn every_right_that_is_granted_is_needed() {
    let plane = ControlPlane::own().await;
    let namespace = TestNamespace::on(&plane, "rules").await;
    use_every_permission(&plane, &namespace).await;
    let used: BTreeSet<Permission> = Request::of_operators(&plane)
        .into_iter()
        .map(|request| (request.group, request.resource, request.verb))
        .collect();
    let cluster: Api<ClusterRole> = Api::all(namespace.client.clone());
    let rules = cluster.get("maquette").await.expect("a role").rules.expect("rules");
    let own: Api<Role> = Api::namespaced(namespace.client.clone(), "maquette-system");
    let own = own.get("maquette").await.expect("a role").rules.expect("rules");
    let granted: BTreeSet<Permission> = rules.iter().chain(&own).flat_map(permissions).collect();
    let mut idle: Vec<_> = granted.difference(&used).collect();
    // Asked for by an admission plugin, where it is on, not by a request of its own.
    let plugin = ("maquette.dev", "architectures/finalizers", "update");
    idle.retain(|(group, resource, verb)| {
        (group.as_str(), resource.as_str(), verb.as_str()) != plugin
    });
    assert!(idle.is_empty(), "granted and not needed: {idle:?}");
    let missing: Vec<_> = used.difference(&granted).collect();
    assert!(missing.is_empty(), "asked for and not granted: {missing:?}");
}

fn permissions(rule: &PolicyRule) -> impl Iterator<Item = Permission> {
    let owned = |list: &Option<Vec<String>>| list.clone().unwrap_or_default();
    let (groups, resources) = (owned(&rule.api_groups), owned(&rule.resources));
    let verbs = rule.verbs.clone();
    groups.into_iter().flat_map(move |group| {
        let verbs = verbs.clone();
        resources.clone().into_iter().flat_map(move |resource| {
            let group = group.clone();
            verbs.clone().into_iter().map(move |verb| (group.clone(), resource.clone(), verb))
        })
    })
}

/// Makes the operator do everything that it ever does.
async fn use_every_permission(plane: &ControlPlane, namespace: &TestNamespace) {
    namespace.grant_lease().await;
    let provisioner = FakeProvisioner::start(namespace, "disk", true).await;
    let kubelet = FakeKubelet::start(namespace);
    let scope = ["--namespaces", &namespace.name, "--lease-namespace", &namespace.name];
    let _operator = Operator::start_on(plane, &scope, &[]);
    let ready = async |name: &str| {
        namespace.await_condition(name, "Ready", soon(), |c| c.status == "True").await;
    };
    let spec = |shape: &str, more: &str| {
        format!("{{shape: {shape}, retention: {{whenDropped: Delete, whenDeleted: {more}}}}}")
    };
    namespace.apply("shop", &spec("ThreeTier", "Delete")).await;
    ready("shop").await;
    // Events: one that is new, and one more of the same.
    for _ in 0..2 {
        kubelet.behavior().down.insert("data".to_owned());
        namespace.await_condition("shop", "Ready", seconds(30), |c| c.status == "False").await;
        kubelet.behavior().down.clear();
        ready("shop").await;
    }
    drift_all(namespace).await;
    // Owners of claims, configuration, and all that goes with a shape and its components.
    namespace.apply("shop", &spec("ThreeTier", "Retain")).await;
    eventually("the volume is to stay", soon(), async || {
        let claims = namespace.api::<PersistentVolumeClaim>();
        let claim = claims.get("data-shop-data-0").await.map_err(|error| error.to_string())?;
        let owners = claim.owner_references();
        if owners.is_empty() { Ok(()) } else { Err(format!("{owners:?}")) }
    })
    .await;
    namespace.apply("shop", &spec("PeerToPeer", "Delete")).await;
    ready("shop").await;
    drift_all(namespace).await;
    namespace.apply("shop", &spec("ClientServer", "Delete")).await;
    ready("shop").await;
    eventually("nothing of the peers is left", soon(), async || {
        let names: Vec<_> = namespace.children("shop").await.into_keys().collect();
        let left: Vec<_> = names.iter().filter(|name| name.contains("peers")).collect();
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    })
    .await;
    foreign_objects(namespace).await;
    grow_volume(namespace, &provisioner.class).await;
}

/// A volume that grows.
async fn grow_volume(namespace: &TestNamespace, class: &str) {
    for size in ["1Gi", "2Gi"] {
        let storage = format!("{{storage: {{size: {size}, storageClassName: {class}}}}}");
        let spec = format!("{{shape: ClientServer, clientServer: {{data: {storage}}}}}");
        namespace.apply("large", &spec).await;
        namespace.await_condition("large", "Ready", soon(), |c| c.status == "True").await;
        namespace.await_condition("large", "Progressing", soon(), |c| c.reason == "UpToDate").await;
    }
}

/// Drift of every kind: what we created is taken over, then applied.
async fn drift_all(namespace: &TestNamespace) {
    for key in namespace.children("shop").await.into_keys() {
        drift_child(namespace, &key).await;
    }
}

async fn drift_child(namespace: &TestNamespace, key: &str) {
    let (api, name) = api_of_child(namespace, key);
    let patch = serde_json::json!({"metadata": {"labels": {"app.kubernetes.io/name": "x"}}});
    api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.expect("patched");
    eventually(&format!("{key} is put back"), soon(), async || {
        let found = api.get(name).await.map_err(|error| error.to_string())?;
        let label = found.labels().get("app.kubernetes.io/name").cloned();
        if label.as_deref() == Some("maquette") { Ok(()) } else { Err(format!("{label:?}")) }
    })
    .await;
}

/// Something of every kind that is in the way, so that it is looked at.
async fn foreign_objects(namespace: &TestNamespace) {
    let text = "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data-other-data-0}, \
                spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}";
    let claim: PersistentVolumeClaim = serde_norway::from_str(text).expect("YAML");
    let claims = namespace.api::<PersistentVolumeClaim>();
    claims.create(&PostParams::default(), &claim).await.expect("created");
    namespace.apply("other", "{shape: ThreeTier}").await;
    namespace.await_condition("other", "Ready", soon(), |c| c.reason == "Conflict").await;
    namespace.api::<Service>().delete("other", &DeleteParams::default()).await.expect("deleted");
    namespace.api::<Deployment>().get("other-client").await.expect("the rest is made");
}
