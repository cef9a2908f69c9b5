//! Volumes grow without the restart of a pod, where their StorageClass allows it.

use crate::support::{
    FakeKubelet, FakeProvisioner, Operator, Request, TestNamespace, eventually, requested_size,
    seconds, soon,
};
use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    core::v1::{PersistentVolumeClaim, Pod},
};
use kube::{
    ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, Preconditions},
};
use std::collections::BTreeMap;

fn peers(replicas: u32, size: &str, class: &str) -> String {
    format!(
        "{{shape: PeerToPeer, peerToPeer: {{replicas: {replicas}, storage: {{size: {size}, \
         storageClassName: {class}}}}}}}"
    )
}

/// A shape whose store is called `data`, with a volume.
fn store(shape: &str, size: &str, class: &str) -> String {
    let member = if shape == "ThreeTier" { "threeTier" } else { "clientServer" };
    format!(
        "{{shape: {shape}, {member}: {{data: {{storage: {{size: {size}, storageClassName: \
         {class}}}}}}}}}"
    )
}

/// The UIDs of the pods of a StatefulSet, by name.
async fn pods(namespace: &TestNamespace, prefix: &str) -> BTreeMap<String, String> {
    let pods = namespace.api::<Pod>().list(&ListParams::default()).await.expect("a list");
    let ours = pods.into_iter().filter(|pod| pod.name_any().starts_with(prefix));
    ours.map(|pod| (pod.name_any(), pod.uid().expect("a UID"))).collect()
}

async fn set(namespace: &TestNamespace, name: &str) -> StatefulSet {
    namespace.api::<StatefulSet>().get(name).await.expect("a StatefulSet")
}

fn template_size(set: &StatefulSet) -> String {
    let templates = set.spec.as_ref().and_then(|spec| spec.volume_claim_templates.as_deref());
    requested_size(&templates.expect("templates")[0])["storage"].0.clone()
}

async fn sizes(namespace: &TestNamespace) -> BTreeMap<String, String> {
    let list = namespace.api::<PersistentVolumeClaim>().list(&ListParams::default()).await;
    let size = |claim: PersistentVolumeClaim| {
        (claim.name_any(), requested_size(&claim)["storage"].0.clone())
    };
    list.expect("a list").into_iter().map(size).collect()
}

fn sizes_of(names: &[&str], size: &str) -> BTreeMap<String, String> {
    names.iter().map(|name| ((*name).to_owned(), size.to_owned())).collect()
}

/// Waits until the StatefulSet requests volumes of `size` and has all its pods.
async fn await_recreated(namespace: &TestNamespace, name: &str, size: &str) -> StatefulSet {
    eventually(&format!("{name} requests {size}"), soon(), async || {
        let found = namespace.api::<StatefulSet>().get(name).await.map_err(|e| e.to_string())?;
        let status = found.status.clone().unwrap_or_default();
        let wanted = found.spec.as_ref().and_then(|spec| spec.replicas);
        let has_all = status.available_replicas == wanted && status.updated_replicas == wanted;
        let is = (template_size(&found), has_all);
        if is == (size.to_owned(), true) { Ok(found) } else { Err(format!("{is:?}")) }
    })
    .await
}

#[tokio::test]
async fn volumes_grow_without_a_restart() {
    let namespace = TestNamespace::new("grow").await;
    let _kubelet = FakeKubelet::start(&namespace);
    let provisioner = FakeProvisioner::start(&namespace, "disk", true).await;
    let _operator = Operator::start(&namespace.name);
    namespace.apply("net", &peers(3, "1Gi", &provisioner.class)).await;
    namespace.await_ready("net").await;
    let (pods_before, set_before) =
        (pods(&namespace, "net-peers").await, set(&namespace, "net-peers").await);
    assert_eq!(pods_before.len(), 3);

    namespace.apply("net", &peers(3, "2Gi", &provisioner.class)).await;
    let set_after = await_recreated(&namespace, "net-peers", "2Gi").await;
    assert_ne!(set_after.uid(), set_before.uid());
    let three = ["data-net-peers-0", "data-net-peers-1", "data-net-peers-2"];
    assert_eq!(sizes(&namespace).await, sizes_of(&three, "2Gi"));
    namespace.await_condition("net", "Progressing", soon(), |c| c.reason == "UpToDate").await;
    namespace.await_ready("net").await;
    assert_eq!(pods(&namespace, "net-peers").await, pods_before, "pods were restarted");
    for pod in namespace.api::<Pod>().list(&ListParams::default()).await.expect("a list") {
        let set = pod.owner_references().iter().find(|owner| owner.kind == "StatefulSet");
        if let Some(set) = set {
            assert_eq!(Some(&set.uid), set_after.metadata.uid.as_ref(), "{}", pod.name_any());
        }
    }

    // New pods get the new size; the old pods stay.
    namespace.apply("net", &peers(4, "2Gi", &provisioner.class)).await;
    eventually("four pods exist", soon(), async || {
        let found = pods(&namespace, "net-peers").await;
        if found.len() == 4 { Ok(()) } else { Err(format!("{found:?}")) }
    })
    .await;
    assert_eq!(sizes(&namespace).await["data-net-peers-3"], "2Gi");
    let after = pods(&namespace, "net-peers").await;
    assert!(pods_before.iter().all(|(name, uid)| after.get(name) == Some(uid)), "{after:?}");
}

#[tokio::test]
async fn a_volume_that_cannot_grow_blocks_nothing_else() {
    let namespace = TestNamespace::new("grow-not").await;
    let _kubelet = FakeKubelet::start(&namespace);
    let provisioner = FakeProvisioner::start(&namespace, "disk", false).await;
    let operator = Operator::start(&namespace.name);
    namespace.apply("shop", &store("ThreeTier", "1Gi", &provisioner.class)).await;
    namespace.await_ready("shop").await;
    let before = pods(&namespace, "shop-data").await;
    let spec = format!(
        "{{shape: ThreeTier, threeTier: {{business: {{replicas: 3}}, data: {{storage: {{size: 2Gi, \
         storageClassName: {}}}}}}}}}",
        provisioner.class
    );
    namespace.apply("shop", &spec).await;
    let condition = namespace
        .await_condition("shop", "Progressing", soon(), |c| c.reason == "VolumesUnchanged");
    let condition = condition.await;
    assert_eq!(condition.status, "False");
    for part in [
        "PersistentVolumeClaim data-shop-data-0 stays at 1Gi, although 2Gi is specified",
        &provisioner.class,
        "allowVolumeExpansion",
    ] {
        assert!(condition.message.contains(part), "{part} is not in: {}", condition.message);
    }
    namespace.await_ready("shop").await;
    let business = namespace.api::<Deployment>().get("shop-business").await.expect("there");
    assert_eq!(business.spec.and_then(|spec| spec.replicas), Some(3));
    assert_eq!(sizes(&namespace).await, sizes_of(&["data-shop-data-0"], "1Gi"));
    assert!(!operator.log().contains("reconcile failed"), "{}", operator.log());

    // The class is not read in each reconcile, and its change is noticed.
    let asked_before = class_reads(&provisioner.class);
    provisioner.allow_expansion().await;
    namespace
        .await_condition("shop", "Progressing", seconds(150), |c| c.reason == "UpToDate")
        .await;
    assert_eq!(sizes(&namespace).await, sizes_of(&["data-shop-data-0"], "2Gi"));
    let more = class_reads(&provisioner.class) - asked_before;
    assert!((1..=3).contains(&more), "{more} more reads");
    assert_eq!(pods(&namespace, "shop-data").await, before);
}

fn class_reads(class: &str) -> usize {
    let requests = Request::within("").into_iter();
    requests.filter(|r| r.resource == "storageclasses" && r.name == class).count()
}

#[tokio::test]
async fn growth_works_without_permission_to_read_storage_classes() {
    let namespace = TestNamespace::new("grow-namespaced").await;
    let _kubelet = FakeKubelet::start(&namespace);
    let (yes, no) = (
        FakeProvisioner::start(&namespace, "yes", true).await,
        FakeProvisioner::start(&namespace, "no", false).await,
    );
    let _operator = Operator::of_namespace(&namespace).await;
    for (name, class) in [("grows", &yes.class), ("stays", &no.class)] {
        namespace.apply(name, &store("ThreeTier", "1Gi", class)).await;
        namespace.await_ready(name).await;
        namespace.apply(name, &store("ThreeTier", "2Gi", class)).await;
    }
    let condition = namespace
        .await_condition("stays", "Progressing", soon(), |c| c.reason == "VolumesUnchanged");
    let message = condition.await.message;
    assert!(message.contains("the API server refused it"), "{message}");
    assert!(message.contains("only dynamically provisioned pvc can be resized"), "{message}");
    namespace.await_ready("stays").await;
    await_recreated(&namespace, "grows-data", "2Gi").await;
    assert_eq!(sizes(&namespace).await["data-grows-data-0"], "2Gi");
    assert_eq!(sizes(&namespace).await["data-stays-data-0"], "1Gi");
}

#[tokio::test]
async fn a_pending_claim_grows_once_it_is_bound() {
    let namespace = TestNamespace::new("grow-unbound").await;
    let _kubelet = FakeKubelet::start(&namespace);
    let _operator = Operator::start(&namespace.name);
    let class = "grow-unbound-disk";
    namespace.apply("shop", &store("ThreeTier", "1Gi", class)).await;
    namespace.await_ready("shop").await;
    namespace.apply("shop", &store("ThreeTier", "2Gi", class)).await;
    namespace
        .await_condition("shop", "Progressing", soon(), |c| c.message.contains("once it is bound"))
        .await;
    let _provisioner = FakeProvisioner::start(&namespace, "disk", true).await;
    namespace.await_condition("shop", "Progressing", soon(), |c| c.reason == "UpToDate").await;
    assert_eq!(sizes(&namespace).await, sizes_of(&["data-shop-data-0"], "2Gi"));
}

#[tokio::test]
async fn a_volume_keeps_its_class_across_shapes() {
    let namespace = TestNamespace::new("grow-class").await;
    let _kubelet = FakeKubelet::start(&namespace);
    let slow = FakeProvisioner::start(&namespace, "slow", true).await;
    let fast = FakeProvisioner::start(&namespace, "fast", true).await;
    let _operator = Operator::start(&namespace.name);
    namespace.apply("shop", &store("ThreeTier", "1Gi", &slow.class)).await;
    namespace.await_ready("shop").await;
    let claims = namespace.api::<PersistentVolumeClaim>();
    let before = claims.get("data-shop-data-0").await.expect("there");
    let pods_before = pods(&namespace, "shop-data").await;
    namespace.apply("shop", &store("ClientServer", "2Gi", &fast.class)).await;
    let condition = namespace
        .await_condition("shop", "Progressing", soon(), |c| c.reason == "VolumesUnchanged");
    let message = condition.await.message;
    let wanted =
        format!("stays in StorageClass {}, although {} is specified", slow.class, fast.class);
    assert!(message.contains("data-shop-data-0"), "{message}");
    assert!(message.contains(&wanted), "{message}");
    namespace.await_ready("shop").await;
    let after = claims.get("data-shop-data-0").await.expect("there");
    assert_eq!(after.uid(), before.uid());
    assert_eq!(requested_size(&after)["storage"].0, "2Gi", "it grows anyway");
    assert_eq!(pods(&namespace, "shop-data").await, pods_before);
}

#[tokio::test]
async fn a_new_operator_completes_an_interrupted_growth() {
    let namespace = TestNamespace::new("grow-restart").await;
    let _kubelet = FakeKubelet::start(&namespace);
    let provisioner = FakeProvisioner::start(&namespace, "disk", true).await;
    // The steps that the operator had completed when it died.
    for (name, died) in [
        ("before", &[][..]),
        ("claims", &[GrowthStep::Claims]),
        ("deleted", &[GrowthStep::Claims, GrowthStep::Orphans]),
    ] {
        let mut operator = Operator::start(&namespace.name);
        namespace.apply(name, &store("ThreeTier", "1Gi", &provisioner.class)).await;
        namespace.await_ready(name).await;
        operator.kill().await;
        let set = format!("{name}-data");
        let before = pods(&namespace, &set).await;
        namespace.apply(name, &store("ThreeTier", "3Gi", &provisioner.class)).await;
        for step in died {
            step.run(&namespace, &set).await;
        }
        let _operator = Operator::start(&namespace.name);
        await_recreated(&namespace, &set, "3Gi").await;
        namespace.await_ready(name).await;
        assert_eq!(sizes(&namespace).await[&format!("data-{set}-0")], "3Gi");
        assert_eq!(pods(&namespace, &set).await, before, "pods were restarted: {name}");
    }
}

#[tokio::test]
async fn orphaned_pods_are_deleted_when_their_shape_goes() {
    let namespace = TestNamespace::new("grow-leave").await;
    let _kubelet = FakeKubelet::start(&namespace);
    let mut operator = Operator::start(&namespace.name);
    namespace.apply("shop", "{shape: ThreeTier}").await;
    namespace.await_ready("shop").await;
    operator.kill().await;
    GrowthStep::Orphans.run(&namespace, "shop-data").await;
    eventually("the StatefulSet is gone", soon(), async || {
        let found = namespace.api::<StatefulSet>().get_opt("shop-data").await;
        found.map_err(|e| e.to_string())?.map_or(Ok(()), |_| Err("it is there".to_owned()))
    })
    .await;
    namespace.apply("shop", "{shape: PeerToPeer}").await;
    let _operator = Operator::start(&namespace.name);
    namespace.await_ready("shop").await;
    eventually("nothing of the store is left", soon(), async || {
        let left = pods(&namespace, "shop-data").await;
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    })
    .await;
}

/// The steps of a growth, in order.
enum GrowthStep {
    Claims,
    Orphans,
}

impl GrowthStep {
    async fn run(&self, namespace: &TestNamespace, set: &str) {
        match self {
            Self::Claims => {
                let patch =
                    serde_json::json!({"spec": {"resources": {"requests": {"storage": "3Gi"}}}});
                let api = namespace.api::<PersistentVolumeClaim>();
                let name = format!("data-{set}-0");
                let params = PatchParams::default();
                api.patch(&name, &params, &Patch::Merge(&patch)).await.expect("patched");
            }
            Self::Orphans => {
                let api = namespace.api::<StatefulSet>();
                let uid = api.get(set).await.expect("there").uid();
                let same = Preconditions { uid, resource_version: None };
                let params = DeleteParams::orphan().preconditions(same);
                api.delete(set, &params).await.expect("deleted");
            }
        }
    }
}
