//! Volumes grow without the restart of a pod, as far as their StorageClass lets them.

use crate::support::{
    Kubelet, Operator, Provisioner, Request, Space, eventually, requested_size, seconds, soon,
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

async fn await_ready(space: &Space, name: &str) {
    space.condition(name, "Ready", soon(), |c| c.status == "True").await;
}

/// The UIDs of the pods of a StatefulSet, by name.
async fn pods(space: &Space, prefix: &str) -> BTreeMap<String, String> {
    let pods = space.api::<Pod>().list(&ListParams::default()).await.expect("a list");
    let ours = pods.into_iter().filter(|pod| pod.name_any().starts_with(prefix));
    ours.map(|pod| (pod.name_any(), pod.uid().expect("a UID"))).collect()
}

async fn set(space: &Space, name: &str) -> StatefulSet {
    space.api::<StatefulSet>().get(name).await.expect("a StatefulSet")
}

fn template_size(set: &StatefulSet) -> String {
    let templates = set.spec.as_ref().and_then(|spec| spec.volume_claim_templates.as_deref());
    requested_size(&templates.expect("templates")[0])["storage"].0.clone()
}

async fn sizes(space: &Space) -> BTreeMap<String, String> {
    let list = space.api::<PersistentVolumeClaim>().list(&ListParams::default()).await;
    let size = |claim: PersistentVolumeClaim| {
        (claim.name_any(), requested_size(&claim)["storage"].0.clone())
    };
    list.expect("a list").into_iter().map(size).collect()
}

fn sizes_of(names: &[&str], size: &str) -> BTreeMap<String, String> {
    names.iter().map(|name| ((*name).to_owned(), size.to_owned())).collect()
}

/// Waits until the StatefulSet asks for volumes of `size`, and has its pods.
async fn await_recreated(space: &Space, name: &str, size: &str) -> StatefulSet {
    eventually(&format!("{name} asks for {size}"), soon(), async || {
        let found = space.api::<StatefulSet>().get(name).await.map_err(|e| e.to_string())?;
        let status = found.status.clone().unwrap_or_default();
        let wanted = found.spec.as_ref().and_then(|spec| spec.replicas);
        let has_all = status.available_replicas == wanted && status.updated_replicas == wanted;
        let is = (template_size(&found), has_all);
        if is == (size.to_owned(), true) { Ok(found) } else { Err(format!("{is:?}")) }
    })
    .await
}

#[tokio::test]
async fn volumes_grow_and_no_pod_restarts() {
    let space = Space::new("grow").await;
    let _kubelet = Kubelet::start(&space);
    let provisioner = Provisioner::start(&space, "disk", true).await;
    let _operator = Operator::start(&space.name);
    space.apply("net", &peers(3, "1Gi", &provisioner.class)).await;
    await_ready(&space, "net").await;
    let (pods_before, set_before) =
        (pods(&space, "net-peers").await, set(&space, "net-peers").await);
    assert_eq!(pods_before.len(), 3);

    space.apply("net", &peers(3, "2Gi", &provisioner.class)).await;
    let set_after = await_recreated(&space, "net-peers", "2Gi").await;
    assert_ne!(set_after.uid(), set_before.uid());
    let three = ["data-net-peers-0", "data-net-peers-1", "data-net-peers-2"];
    assert_eq!(sizes(&space).await, sizes_of(&three, "2Gi"));
    space.condition("net", "Progressing", soon(), |c| c.reason == "UpToDate").await;
    await_ready(&space, "net").await;
    assert_eq!(pods(&space, "net-peers").await, pods_before, "pods were restarted");
    for pod in space.api::<Pod>().list(&ListParams::default()).await.expect("a list") {
        let set = pod.owner_references().iter().find(|owner| owner.kind == "StatefulSet");
        if let Some(set) = set {
            assert_eq!(Some(&set.uid), set_after.metadata.uid.as_ref(), "{}", pod.name_any());
        }
    }

    // Those who come later have as much, and those who were there stay.
    space.apply("net", &peers(4, "2Gi", &provisioner.class)).await;
    eventually("there are four", soon(), async || {
        let found = pods(&space, "net-peers").await;
        if found.len() == 4 { Ok(()) } else { Err(format!("{found:?}")) }
    })
    .await;
    assert_eq!(sizes(&space).await["data-net-peers-3"], "2Gi");
    let after = pods(&space, "net-peers").await;
    assert!(pods_before.iter().all(|(name, uid)| after.get(name) == Some(uid)), "{after:?}");
}

#[tokio::test]
async fn a_volume_that_may_not_grow_stays_and_everything_else_goes_on() {
    let space = Space::new("grow-not").await;
    let _kubelet = Kubelet::start(&space);
    let provisioner = Provisioner::start(&space, "disk", false).await;
    let operator = Operator::start(&space.name);
    space.apply("shop", &store("ThreeTier", "1Gi", &provisioner.class)).await;
    await_ready(&space, "shop").await;
    let before = pods(&space, "shop-data").await;
    let spec = format!(
        "{{shape: ThreeTier, threeTier: {{business: {{replicas: 3}}, data: {{storage: {{size: 2Gi, \
         storageClassName: {}}}}}}}}}",
        provisioner.class
    );
    space.apply("shop", &spec).await;
    let said = space.condition("shop", "Progressing", soon(), |c| c.reason == "VolumesUnchanged");
    let said = said.await;
    assert_eq!(said.status, "False");
    for part in [
        "PersistentVolumeClaim data-shop-data-0 stays at 1Gi, although 2Gi is specified",
        &provisioner.class,
        "allowVolumeExpansion",
    ] {
        assert!(said.message.contains(part), "{part} is not in: {}", said.message);
    }
    await_ready(&space, "shop").await;
    let business = space.api::<Deployment>().get("shop-business").await.expect("there");
    assert_eq!(business.spec.and_then(|spec| spec.replicas), Some(3));
    assert_eq!(sizes(&space).await, sizes_of(&["data-shop-data-0"], "1Gi"));
    assert!(!operator.log().contains("not done"), "{}", operator.log());

    // It is not asked for time and again, and found out when it may.
    let asked_before = class_reads(&provisioner.class);
    provisioner.allow_expansion().await;
    space.condition("shop", "Progressing", seconds(150), |c| c.reason == "UpToDate").await;
    assert_eq!(sizes(&space).await, sizes_of(&["data-shop-data-0"], "2Gi"));
    let more = class_reads(&provisioner.class) - asked_before;
    assert!((1..=3).contains(&more), "asked {more} times more");
    assert_eq!(pods(&space, "shop-data").await, before);
}

fn class_reads(class: &str) -> usize {
    let asked = Request::within("").into_iter();
    asked.filter(|r| r.resource == "storageclasses" && r.name == class).count()
}

#[tokio::test]
async fn without_the_right_to_read_classes_the_api_server_decides() {
    let space = Space::new("grow-namespaced").await;
    let _kubelet = Kubelet::start(&space);
    let (yes, no) = (
        Provisioner::start(&space, "yes", true).await,
        Provisioner::start(&space, "no", false).await,
    );
    let _operator = Operator::of_namespace(&space).await;
    for (name, class) in [("grows", &yes.class), ("stays", &no.class)] {
        space.apply(name, &store("ThreeTier", "1Gi", class)).await;
        await_ready(&space, name).await;
        space.apply(name, &store("ThreeTier", "2Gi", class)).await;
    }
    let said = space.condition("stays", "Progressing", soon(), |c| c.reason == "VolumesUnchanged");
    let said = said.await.message;
    assert!(said.contains("the API server refused it"), "{said}");
    assert!(said.contains("only dynamically provisioned pvc can be resized"), "{said}");
    await_ready(&space, "stays").await;
    await_recreated(&space, "grows-data", "2Gi").await;
    assert_eq!(sizes(&space).await["data-grows-data-0"], "2Gi");
    assert_eq!(sizes(&space).await["data-stays-data-0"], "1Gi");
}

#[tokio::test]
async fn a_claim_that_waits_for_its_volume_grows_afterwards() {
    let space = Space::new("grow-unbound").await;
    let _kubelet = Kubelet::start(&space);
    let _operator = Operator::start(&space.name);
    let class = "grow-unbound-disk";
    space.apply("shop", &store("ThreeTier", "1Gi", class)).await;
    await_ready(&space, "shop").await;
    space.apply("shop", &store("ThreeTier", "2Gi", class)).await;
    space
        .condition("shop", "Progressing", soon(), |c| c.message.contains("once it is bound"))
        .await;
    let _provisioner = Provisioner::start(&space, "disk", true).await;
    space.condition("shop", "Progressing", soon(), |c| c.reason == "UpToDate").await;
    assert_eq!(sizes(&space).await, sizes_of(&["data-shop-data-0"], "2Gi"));
}

#[tokio::test]
async fn a_volume_stays_in_its_class_when_another_shape_names_another() {
    let space = Space::new("grow-class").await;
    let _kubelet = Kubelet::start(&space);
    let slow = Provisioner::start(&space, "slow", true).await;
    let fast = Provisioner::start(&space, "fast", true).await;
    let _operator = Operator::start(&space.name);
    space.apply("shop", &store("ThreeTier", "1Gi", &slow.class)).await;
    await_ready(&space, "shop").await;
    let claims = space.api::<PersistentVolumeClaim>();
    let before = claims.get("data-shop-data-0").await.expect("there");
    let pods_before = pods(&space, "shop-data").await;
    space.apply("shop", &store("ClientServer", "2Gi", &fast.class)).await;
    let said = space.condition("shop", "Progressing", soon(), |c| c.reason == "VolumesUnchanged");
    let said = said.await.message;
    let wanted =
        format!("stays in StorageClass {}, although {} is specified", slow.class, fast.class);
    assert!(said.contains("data-shop-data-0"), "{said}");
    assert!(said.contains(&wanted), "{said}");
    await_ready(&space, "shop").await;
    let after = claims.get("data-shop-data-0").await.expect("there");
    assert_eq!(after.uid(), before.uid());
    assert_eq!(requested_size(&after)["storage"].0, "2Gi", "it grows all the same");
    assert_eq!(pods(&space, "shop-data").await, pods_before);
}

#[tokio::test]
async fn an_operator_that_died_while_a_volume_grew_is_made_up_for() {
    let space = Space::new("grow-restart").await;
    let _kubelet = Kubelet::start(&space);
    let provisioner = Provisioner::start(&space, "disk", true).await;
    // What the operator had done when it died.
    for (name, died) in [
        ("before", &[][..]),
        ("claims", &[GrowthStep::Claims]),
        ("deleted", &[GrowthStep::Claims, GrowthStep::Orphans]),
    ] {
        let mut operator = Operator::start(&space.name);
        space.apply(name, &store("ThreeTier", "1Gi", &provisioner.class)).await;
        await_ready(&space, name).await;
        operator.kill().await;
        let set = format!("{name}-data");
        let before = pods(&space, &set).await;
        space.apply(name, &store("ThreeTier", "3Gi", &provisioner.class)).await;
        for step in died {
            step.run(&space, &set).await;
        }
        let _operator = Operator::start(&space.name);
        await_recreated(&space, &set, "3Gi").await;
        await_ready(&space, name).await;
        assert_eq!(sizes(&space).await[&format!("data-{set}-0")], "3Gi");
        assert_eq!(pods(&space, &set).await, before, "pods were restarted: {name}");
    }
}

#[tokio::test]
async fn pods_whose_stateful_set_was_not_made_anew_still_leave_in_order() {
    let space = Space::new("grow-leave").await;
    let _kubelet = Kubelet::start(&space);
    let mut operator = Operator::start(&space.name);
    space.apply("shop", "{shape: ThreeTier}").await;
    await_ready(&space, "shop").await;
    operator.kill().await;
    GrowthStep::Orphans.run(&space, "shop-data").await;
    eventually("the StatefulSet is gone", soon(), async || {
        let found = space.api::<StatefulSet>().get_opt("shop-data").await;
        found.map_err(|e| e.to_string())?.map_or(Ok(()), |_| Err("it is there".to_owned()))
    })
    .await;
    space.apply("shop", "{shape: PeerToPeer}").await;
    let _operator = Operator::start(&space.name);
    await_ready(&space, "shop").await;
    eventually("nothing of the store is left", soon(), async || {
        let left = pods(&space, "shop-data").await;
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    })
    .await;
}

/// What the operator does, in this order.
enum GrowthStep {
    Claims,
    Orphans,
}

impl GrowthStep {
    async fn run(&self, space: &Space, set: &str) {
        match self {
            Self::Claims => {
                let patch =
                    serde_json::json!({"spec": {"resources": {"requests": {"storage": "3Gi"}}}});
                let api = space.api::<PersistentVolumeClaim>();
                let name = format!("data-{set}-0");
                let params = PatchParams::default();
                api.patch(&name, &params, &Patch::Merge(&patch)).await.expect("patched");
            }
            Self::Orphans => {
                let api = space.api::<StatefulSet>();
                let uid = api.get(set).await.expect("there").uid();
                let same = Preconditions { uid, resource_version: None };
                let params = DeleteParams::orphan().preconditions(same);
                api.delete(set, &params).await.expect("deleted");
            }
        }
    }
}
