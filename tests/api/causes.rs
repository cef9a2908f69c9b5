//! What stands in the way is named, with the fix: what refuses pods, keeps them from starting, or
//! holds objects.

use crate::support::{
    AnyObject, FakeKubelet, FakeProvisioner, Operator, TestNamespace, eventually, seconds, soon,
};
use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        apps::v1::{Deployment, ReplicaSet, StatefulSet},
        autoscaling::v2::HorizontalPodAutoscaler,
        core::v1::{Binding, Event, LimitRange, Node, PersistentVolumeClaim, Pod},
    },
    apimachinery::pkg::apis::meta::v1::Condition,
};
use kube::{
    Api, Resource, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use maquette_contract::keys::LABEL_COMPONENT;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::fmt::Debug;

/// Creates an object from YAML.
async fn create<K>(namespace: &TestNamespace, text: &str) -> K
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + Debug
        + DeserializeOwned
        + serde::Serialize,
{
    let object: K = serde_norway::from_str(text).expect("YAML");
    namespace.api::<K>().create(&PostParams::default(), &object).await.expect("created")
}

/// Waits until the message of `Ready` has all these parts.
async fn await_message(namespace: &TestNamespace, name: &str, parts: &[&str]) -> Condition {
    let has_all = |c: &Condition| parts.iter().all(|part| c.message.contains(part));
    namespace.await_condition(name, "Ready", soon(), has_all).await
}

#[tokio::test]
async fn every_component_whose_pods_a_limit_range_refuses_is_named_and_can_be_fixed() {
    let namespace = TestNamespace::new("limit-range").await;
    let _kubelet = FakeKubelet::start(&namespace);
    let limits = "{metadata: {name: sane}, spec: {limits: [{type: Container, \
                  max: {cpu: '1', memory: 200Mi}, maxLimitRequestRatio: {cpu: '10'}}]}}";
    create::<LimitRange>(&namespace, limits).await;
    let _operator = Operator::start(&namespace.name);
    namespace.apply("shop", "{shape: ThreeTier}").await;
    let parts = [
        "business, client, load: pods are refused",
        "data: pods are refused",
        "max limit to request ratio per Container is 10",
        "maximum memory usage per Container is 200Mi",
        "LimitRange",
    ];
    let condition = await_message(&namespace, "shop", &parts).await;
    assert_eq!(
        (condition.status.as_str(), condition.reason.as_str()),
        ("False", "ComponentsNotReady")
    );
    let fits = "{resources: {requests: {cpu: 100m}, limits: {memory: 200Mi}}}";
    let tiers = format!("{{client: {fits}, business: {fits}, data: {fits}}}");
    let spec = format!("{{shape: ThreeTier, threeTier: {tiers}, load: {fits}}}");
    namespace.apply("shop", &spec).await;
    namespace.await_ready("shop").await;
}

fn storage(size: &str, class: &str) -> String {
    let storage = format!("{{size: {size}, storageClassName: {class}}}");
    format!("{{shape: ThreeTier, threeTier: {{data: {{storage: {storage}}}}}}}")
}

#[tokio::test]
async fn a_storage_class_that_does_not_exist_is_named_and_can_be_corrected() {
    let namespace = TestNamespace::new("class-typo").await;
    let kubelet = FakeKubelet::start(&namespace);
    kubelet.behavior().down.insert("data".to_owned());
    let good = FakeProvisioner::start(&namespace, "good", true).await;
    let other = FakeProvisioner::start(&namespace, "other", true).await;
    let _operator = Operator::start(&namespace.name);
    namespace.apply("shop", &storage("2Gi", "fast-ssd")).await;
    let missing =
        "data: PersistentVolumeClaim data-shop-data-0: no StorageClass fast-ssd; there are: ";
    let message = await_message(&namespace, "shop", &[missing, &good.class]).await.message;
    assert!(message.contains("set storageClassName to one that exists"), "{message}");

    // Nothing is bound: the class and a smaller size are accepted.
    namespace.apply("shop", &storage("1Gi", &good.class)).await;
    kubelet.behavior().down.clear();
    namespace.await_ready("shop").await;
    let claim = await_bound(&namespace, "data-shop-data-0").await;
    let spec = claim.spec.expect("a spec");
    assert_eq!(spec.storage_class_name.as_ref(), Some(&good.class));
    let requests = spec.resources.and_then(|resources| resources.requests).expect("requests");
    assert_eq!(requests["storage"].0, "1Gi");
    let set = namespace.api::<StatefulSet>().get("shop-data").await.expect("there");
    let templates = set.spec.and_then(|spec| spec.volume_claim_templates).expect("templates");
    let class = templates[0].spec.as_ref().and_then(|spec| spec.storage_class_name.as_ref());
    assert_eq!(class, Some(&good.class));

    // A volume exists: it neither changes its class nor shrinks, and nothing is changed.
    namespace.apply("shop", &storage("1Gi", &other.class)).await;
    let part = format!("restore storageClassName {}", good.class);
    let refused = |c: &Condition| c.status == "False" && c.message.contains(&part);
    let condition = namespace.await_condition("shop", "Accepted", soon(), refused).await;
    assert_eq!(condition.reason, "Refused", "{}", condition.message);
    namespace.apply("shop", &storage("500Mi", &good.class)).await;
    let kept = |c: &Condition| c.message.contains("stays at 1Gi, although 500Mi is specified");
    let condition = namespace.await_condition("shop", "Progressing", soon(), kept).await;
    assert_eq!(condition.reason, "VolumesUnchanged", "{}", condition.message);
    namespace.apply("shop", &storage("1Gi", &good.class)).await;
    namespace.await_ready("shop").await;
    let after = await_bound(&namespace, "data-shop-data-0").await;
    assert_eq!(after.metadata.uid, claim.metadata.uid, "the volume is the same");
}

#[tokio::test]
async fn a_claim_without_a_volume_follows_a_class_that_is_removed_from_the_specification() {
    let namespace = TestNamespace::new("class-default").await;
    let kubelet = FakeKubelet::start(&namespace);
    kubelet.behavior().down.insert("data".to_owned());
    let _operator = Operator::start(&namespace.name);
    namespace.apply("shop", &storage("1Gi", "fast-ssd")).await;
    await_message(&namespace, "shop", &["no StorageClass fast-ssd"]).await;
    namespace.apply("shop", "{shape: ThreeTier}").await;
    let parts = ["names no StorageClass, and the cluster has no default one"];
    await_message(&namespace, "shop", &parts).await;
    let claim = namespace.api::<PersistentVolumeClaim>().get("data-shop-data-0").await;
    let class = claim.expect("there").spec.and_then(|spec| spec.storage_class_name);
    assert_eq!(class, None);
}

async fn await_bound(namespace: &TestNamespace, name: &str) -> PersistentVolumeClaim {
    eventually(&format!("{name} is bound"), soon(), async || {
        let claim = namespace.api::<PersistentVolumeClaim>().get(name).await;
        let claim = claim.map_err(|error| error.to_string())?;
        let phase = claim.status.as_ref().and_then(|status| status.phase.clone());
        if phase.as_deref() == Some("Bound") { Ok(claim) } else { Err(format!("{phase:?}")) }
    })
    .await
}

async fn replicas(namespace: &TestNamespace, deployment: &str) -> i32 {
    let found = namespace.api::<Deployment>().get(deployment).await.expect("there");
    found.spec.and_then(|spec| spec.replicas).expect("replicas")
}

async fn await_replicas(namespace: &TestNamespace, deployment: &str, wanted: i32) {
    eventually(&format!("{deployment} has {wanted} replicas"), seconds(150), async || {
        let found = replicas(namespace, deployment).await;
        if found == wanted { Ok(()) } else { Err(format!("{found}")) }
    })
    .await;
}

/// An autoscaler of `kind` `target`.
fn autoscaler(name: &str, kind: &str, target: &str) -> String {
    format!(
        "{{metadata: {{name: {name}}}, spec: {{minReplicas: 3, maxReplicas: 5, scaleTargetRef: \
         {{apiVersion: apps/v1, kind: {kind}, name: {target}}}, metrics: [{{type: Resource, \
         resource: {{name: cpu, target: {{type: Utilization, averageUtilization: 80}}}}}}]}}}}"
    )
}

#[tokio::test]
async fn the_replicas_of_a_service_are_left_to_its_autoscaler() {
    let namespace = TestNamespace::new("autoscaler").await;
    let _kubelet = FakeKubelet::start(&namespace);
    let mut operator = Operator::start(&namespace.name);
    namespace.apply("shop", "{shape: ThreeTier}").await;
    namespace.await_ready("shop").await;
    create::<HorizontalPodAutoscaler>(
        &namespace,
        &autoscaler("more", "Deployment", "shop-business"),
    )
    .await;
    await_replicas(&namespace, "shop-business", 3).await;
    let note = "replicas set by an autoscaler: business (HorizontalPodAutoscaler more)";
    let has_note = |c: &Condition| c.status == "True" && c.message.contains(note);
    namespace.await_condition("shop", "Accepted", soon(), has_note).await;
    namespace.await_ready("shop").await;
    let generation = generation_of(&namespace, "shop-business").await;
    // Also after a restart no pod is made and deleted.
    operator.kill().await;
    let _operator = Operator::start(&namespace.name);
    namespace.apply("shop", "{shape: ThreeTier, load: {items: 999}}").await;
    namespace.await_ready("shop").await;
    assert_eq!(generation_of(&namespace, "shop-business").await, generation);
    let sets = namespace.api::<ReplicaSet>().list(&ListParams::default()).await.expect("a list");
    let of_business = sets.iter().filter(|set| set.name_any().starts_with("shop-business-"));
    assert_eq!(of_business.count(), 1, "pods were replaced");
    let api = namespace.api::<HorizontalPodAutoscaler>();
    api.delete("more", &DeleteParams::default()).await.expect("deleted");
    await_replicas(&namespace, "shop-business", 1).await;
    namespace.await_ready("shop").await;
}

async fn generation_of(namespace: &TestNamespace, deployment: &str) -> Option<i64> {
    namespace.api::<Deployment>().get(deployment).await.expect("there").metadata.generation
}

#[tokio::test]
async fn an_autoscaler_of_a_store_is_named() {
    let namespace = TestNamespace::new("autoscaled-store").await;
    let _kubelet = FakeKubelet::start(&namespace);
    let _operator = Operator::start(&namespace.name);
    namespace.apply("shop", "{shape: ThreeTier}").await;
    namespace.await_ready("shop").await;
    create::<HorizontalPodAutoscaler>(&namespace, &autoscaler("bad", "StatefulSet", "shop-data"))
        .await;
    let parts =
        ["HorizontalPodAutoscaler bad scales StatefulSet shop-data", "delete the autoscaler"];
    await_message(&namespace, "shop", &parts).await;
    let api = namespace.api::<HorizontalPodAutoscaler>();
    api.delete("bad", &DeleteParams::default()).await.expect("deleted");
    namespace.await_condition("shop", "Ready", seconds(180), |c| c.status == "True").await;
}

#[tokio::test]
async fn another_client_that_changes_a_field_again_and_again_is_named() {
    let namespace = TestNamespace::new("fight").await;
    let _kubelet = FakeKubelet::start(&namespace);
    let _operator = Operator::start(&namespace.name);
    namespace.apply("shop", "{shape: ThreeTier}").await;
    namespace.await_ready("shop").await;
    let deployments = namespace.api::<Deployment>();
    let params = PatchParams { field_manager: Some("scaler".to_owned()), ..PatchParams::default() };
    let fight = async {
        loop {
            let patch = Patch::Merge(json!({"spec": {"replicas": 2}}));
            deployments.patch("shop-business", &params, &patch).await.expect("patched");
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        }
    };
    let parts = ["Deployment shop-business: field manager scaler changes spec.replicas"];
    let named = await_message(&namespace, "shop", &parts);
    let condition = tokio::select! {
        () = fight => panic!("the fight has no end"),
        condition = named => condition,
    };
    assert_eq!((condition.status.as_str(), condition.reason.as_str()), ("False", "Conflict"));
}

#[tokio::test]
async fn a_claim_in_use_that_was_marked_for_deletion_is_a_warning() {
    let namespace = TestNamespace::new("claim-marked").await;
    let _kubelet = FakeKubelet::start(&namespace);
    let disk = FakeProvisioner::start(&namespace, "disk", true).await;
    let _operator = Operator::start(&namespace.name);
    namespace.apply("shop", &storage("1Gi", &disk.class)).await;
    namespace.await_ready("shop").await;
    await_bound(&namespace, "data-shop-data-0").await;
    let claims = namespace.api::<PersistentVolumeClaim>();
    // The pod runs on no node, so Kubernetes' own finalizer does not hold the claim.
    let held = Patch::Merge(json!({"metadata": {"finalizers": ["example.org/hold"]}}));
    claims.patch("data-shop-data-0", &PatchParams::default(), &held).await.expect("patched");
    claims.delete("data-shop-data-0", &DeleteParams::default()).await.expect("deleted");
    let warned = |c: &Condition| c.reason == "VolumesTerminating";
    let condition = namespace.await_condition("shop", "Progressing", soon(), warned).await;
    for part in ["data-shop-data-0 was marked for deletion", "when pod shop-data-0 ends"] {
        assert!(condition.message.contains(part), "{}", condition.message);
    }
    namespace.await_ready("shop").await;
    let free = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    claims.patch("data-shop-data-0", &PatchParams::default(), &free).await.expect("patched");
}

#[tokio::test]
async fn a_pod_that_does_not_start_says_why() {
    let namespace = TestNamespace::new("not-started").await;
    let _operator = Operator::start(&namespace.name);
    namespace.apply("shop", "{shape: ThreeTier}").await;
    let of_business = ListParams::default().labels(&format!("{LABEL_COMPONENT}=business"));
    let pod = eventually("the pod exists", soon(), async || {
        let pods = namespace.api::<Pod>().list(&of_business).await;
        let first = pods.map_err(|error| error.to_string())?.items.into_iter().next();
        first.ok_or_else(|| "none".to_owned())
    })
    .await;
    let (uid, name) = (pod.uid().expect("a UID"), pod.name_any());
    namespace.set_pod_condition(&name, "PodScheduled", "True", "").await;
    let event = format!(
        "{{metadata: {{name: mount}}, type: Warning, reason: FailedMount, message: 'MountVolume \
         failed for volume \"x\"', lastTimestamp: '{}', involvedObject: {{kind: Pod, namespace: {}, \
         name: {name}, uid: {uid}}}}}",
        k8s_openapi::jiff::Timestamp::now(),
        namespace.name,
    );
    create::<Event>(&namespace, &event).await;
    let part = format!("business: pod {name}: it does not start: FailedMount: MountVolume failed");
    await_message(&namespace, "shop", &[&part]).await;
}

#[tokio::test]
async fn a_pod_on_a_dead_node_is_named_with_the_fix() {
    let namespace = TestNamespace::new("dead-node").await;
    let _kubelet = FakeKubelet::start(&namespace);
    let _operator = Operator::start(&namespace.name);
    namespace.apply("shop", "{shape: ThreeTier}").await;
    namespace.await_ready("shop").await;
    let nodes: Api<Node> = Api::all(namespace.client.clone());
    let node: Node = serde_norway::from_str("{metadata: {name: dead-node-1}}").expect("YAML");
    nodes.create(&PostParams::default(), &node).await.expect("a node");
    let binding: Binding = serde_norway::from_str(
        "{metadata: {name: shop-data-0}, target: {kind: Node, name: dead-node-1}}",
    )
    .expect("YAML");
    let pods = namespace.api::<Pod>();
    let _: AnyObject = pods
        .create_subresource("binding", "shop-data-0", &PostParams::default(), &binding)
        .await
        .expect("bound");
    pods.delete("shop-data-0", &DeleteParams::default().grace_period(1)).await.expect("deleted");
    let parts = [
        "pod shop-data-0 on node dead-node-1 did not end within its grace period",
        "kubectl delete pod shop-data-0 --force --grace-period=0",
    ];
    await_message(&namespace, "shop", &parts).await;
    // The fix.
    let now = DeleteParams::default().grace_period(0);
    pods.delete("shop-data-0", &now).await.expect("deleted");
    namespace.await_ready("shop").await;
    nodes.delete("dead-node-1", &DeleteParams::default()).await.expect("deleted");
}
