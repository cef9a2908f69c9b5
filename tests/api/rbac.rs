//! The operator's permissions are exactly those that it uses. One operator uses all of them here,
//! on a control plane of its own. Every other test shows that none is missing: all operators have
//! only the granted permissions.

use crate::support::{
    Condition, ControlPlane, FakeKubelet, FakeProvisioner, Operator, Request, TestNamespace,
    api_of_child, eventually, seconds, soon,
};
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::PersistentVolumeClaim,
    rbac::v1::{ClusterRole, PolicyRule, Role},
};
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams, PostParams},
};
use maquette_contract::keys::LABEL_NAME;
use std::collections::BTreeSet;

type Permission = (String, String, String);

#[tokio::test]
async fn granted_and_used_permissions_are_the_same() {
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
    // Needed by an admission plugin, where it is enabled; no request of the operator uses it.
    let plugin = ("maquette.dev", "architectures/finalizers", "update");
    idle.retain(|(group, resource, verb)| {
        (group.as_str(), resource.as_str(), verb.as_str()) != plugin
    });
    assert!(idle.is_empty(), "granted and not used: {idle:?}");
    let missing: Vec<_> = used.difference(&granted).collect();
    assert!(missing.is_empty(), "used and not granted: {missing:?}");
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

/// Makes the operator use every permission.
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
    // Events: a new one, and another of the same series.
    for _ in 0..2 {
        kubelet.behavior().down.insert("data".to_owned());
        namespace.await_condition("shop", "Ready", seconds(30), |c| c.status == "False").await;
        kubelet.behavior().down.clear();
        ready("shop").await;
    }
    drift_all(namespace).await;
    // Owners of claims, configurations, and the objects of a shape that is removed.
    namespace.apply("shop", &spec("ThreeTier", "Retain")).await;
    eventually("the volume has no owner", soon(), async || {
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
    scale_and_await_restored(namespace, "shop-client").await;
    foreign_objects(namespace).await;
    waiting_store(plane, namespace, &kubelet).await;
    grow_volume(namespace, &provisioner.class).await;
}

/// A store whose pod is not ready and whose claim gets no volume, so that the operator reads its
/// Events and the StorageClasses.
async fn waiting_store(plane: &ControlPlane, namespace: &TestNamespace, kubelet: &FakeKubelet) {
    kubelet.behavior().down.insert("data".to_owned());
    let storage = "{storage: {storageClassName: none}}";
    let spec = format!("{{shape: ClientServer, clientServer: {{data: {storage}}}}}");
    namespace.apply("waits", &spec).await;
    let is_named = |c: &Condition| c.message.contains("no StorageClass none");
    namespace.await_condition("waits", "Ready", soon(), is_named).await;
    eventually("Events are read", soon(), async || {
        let requests = Request::of_operators(plane);
        let is_read = requests.iter().any(|r| r.resource == "events" && r.verb == "list");
        if is_read { Ok(()) } else { Err("not read".to_owned()) }
    })
    .await;
    kubelet.behavior().down.clear();
}

/// Scales a Deployment, so that the operator looks for an autoscaler of it.
async fn scale_and_await_restored(namespace: &TestNamespace, name: &str) {
    let api = namespace.api::<Deployment>();
    let patch = Patch::Merge(serde_json::json!({"spec": {"replicas": 2}}));
    api.patch(name, &PatchParams::default(), &patch).await.expect("patched");
    eventually("the replicas are restored", soon(), async || {
        let found = api.get(name).await.map_err(|error| error.to_string())?;
        let replicas = found.spec.and_then(|spec| spec.replicas);
        if replicas == Some(1) { Ok(()) } else { Err(format!("{replicas:?}")) }
    })
    .await;
}

/// Grows a volume, then changes the image of all pods.
async fn grow_volume(namespace: &TestNamespace, class: &str) {
    for (size, pods) in [("1Gi", "{}"), ("2Gi", "{}"), ("2Gi", "{image: 'other:1'}")] {
        let storage = format!("{{storage: {{size: {size}, storageClassName: {class}}}}}");
        let spec =
            format!("{{shape: ClientServer, pods: {pods}, clientServer: {{data: {storage}}}}}");
        namespace.apply("large", &spec).await;
        namespace.await_condition("large", "Ready", soon(), |c| c.status == "True").await;
        namespace.await_condition("large", "Progressing", soon(), |c| c.reason == "UpToDate").await;
    }
}

/// Drift of every kind: the first apply adopts the fields of the creation.
async fn drift_all(namespace: &TestNamespace) {
    for key in namespace.children("shop").await.into_keys() {
        drift_child(namespace, &key).await;
    }
}

async fn drift_child(namespace: &TestNamespace, key: &str) {
    let (api, name) = api_of_child(namespace, key);
    let before = api.get(name).await.expect("there").labels().get(LABEL_NAME).cloned();
    let patch = serde_json::json!({"metadata": {"labels": {LABEL_NAME: "x"}}});
    api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.expect("patched");
    eventually(&format!("{key} is restored"), soon(), async || {
        let found = api.get(name).await.map_err(|error| error.to_string())?;
        let label = found.labels().get(LABEL_NAME).cloned();
        if label == before { Ok(()) } else { Err(format!("{label:?}")) }
    })
    .await;
}

/// A foreign claim with the name of one that we need, so that the operator reads it.
async fn foreign_objects(namespace: &TestNamespace) {
    let text = "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data-other-data-0}, \
                spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}";
    let claim: PersistentVolumeClaim = serde_norway::from_str(text).expect("YAML");
    let claims = namespace.api::<PersistentVolumeClaim>();
    claims.create(&PostParams::default(), &claim).await.expect("created");
    namespace.apply("other", "{shape: ThreeTier}").await;
    namespace.await_condition("other", "Ready", soon(), |c| c.reason == "Conflict").await;
    let made = namespace.children("other").await;
    assert!(made.is_empty(), "made: {:?}", made.keys());
}
