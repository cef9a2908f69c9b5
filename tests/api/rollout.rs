//! A change of pods: one component after the other, and new pods that cannot start take none of the
//! old ones down. A fake kubelet starts the pods.

use crate::support::{FakeKubelet, Operator, TestNamespace, eventually, kubeconfig, soon};
use k8s_openapi::{
    api::{
        apps::v1::StatefulSet,
        core::v1::{LimitRange, Pod},
    },
    apimachinery::pkg::apis::meta::v1::Condition,
};
use kube::{
    ResourceExt,
    api::{ListParams, PostParams},
};
use maquette::api::Architecture;
use maquette_contract::keys::LABEL_COMPONENT;
use serde_json::json;
use std::{collections::BTreeMap, process::Command};

/// The ready pods of the components: name and UID, and the image.
async fn ready_pods(namespace: &TestNamespace) -> BTreeMap<(String, String), String> {
    let pods = namespace.api::<Pod>().list(&ListParams::default().labels(LABEL_COMPONENT)).await;
    let ready = pods.expect("a list").items.into_iter().filter(|pod| {
        let status = pod.status.as_ref();
        let conditions = status.and_then(|status| status.conditions.as_deref());
        conditions.unwrap_or_default().iter().any(|c| c.type_ == "Ready" && c.status == "True")
    });
    ready
        .map(|pod| {
            let image = pod.spec.as_ref().expect("a spec").containers[0].image.clone();
            ((pod.name_any(), pod.uid().expect("a UID")), image.expect("an image"))
        })
        .collect()
}

async fn await_ready(namespace: &TestNamespace, name: &str) {
    namespace.await_condition(name, "Ready", soon(), |c| c.status == "True").await;
    namespace.await_condition(name, "Progressing", soon(), |c| c.reason == "UpToDate").await;
}

async fn await_stopped(namespace: &TestNamespace, name: &str, part: &str) -> Condition {
    namespace
        .await_condition(name, "Progressing", soon(), |c| {
            c.status == "False" && c.reason == "PodsNotReady" && c.message.contains(part)
        })
        .await
}

#[tokio::test]
async fn an_image_typo_takes_no_pod_down_and_the_way_back_is_enough() {
    let namespace = TestNamespace::new("image-typo").await;
    let kubelet = FakeKubelet::start(&namespace);
    kubelet.behavior().unpullable.insert("example.org/workload:0.1.O".to_owned());
    let _operator = Operator::start(&namespace.name);
    namespace.apply("shop", "{shape: ThreeTier}").await;
    await_ready(&namespace, "shop").await;
    let before = ready_pods(&namespace).await;

    let typo = "{shape: ThreeTier, pods: {image: 'example.org/workload:0.1.O'}}";
    namespace.apply("shop", typo).await;
    let expected = "image example.org/workload:0.1.O cannot be pulled: not found";
    let stopped = await_stopped(&namespace, "shop", expected).await;
    assert!(stopped.message.contains("business: pod shop-business-"), "{}", stopped.message);
    assert!(stopped.message.contains("the running model still serves"), "{}", stopped.message);
    assert_eq!(ready_pods(&namespace).await, before);

    namespace.apply("shop", "{shape: ThreeTier}").await;
    await_ready(&namespace, "shop").await;
    assert_eq!(ready_pods(&namespace).await, before);
}

#[tokio::test]
async fn peers_change_only_after_a_canary_and_a_fix_goes_through() {
    let namespace = TestNamespace::new("canary").await;
    let kubelet = FakeKubelet::start(&namespace);
    kubelet.behavior().unpullable.insert("wrong:1".to_owned());
    let _operator = Operator::start(&namespace.name);
    let spec = |image: &str| {
        format!("{{shape: PeerToPeer, peerToPeer: {{replicas: 3}}, pods: {{image: '{image}'}}}}")
    };
    namespace.apply("net", &spec("right:1")).await;
    await_ready(&namespace, "net").await;
    let before = ready_pods(&namespace).await;

    namespace.apply("net", &spec("wrong:1")).await;
    let expected = "peers: pod net-peers-canary: image wrong:1 cannot be pulled: not found";
    await_stopped(&namespace, "net", expected).await;
    assert_eq!(ready_pods(&namespace).await, before);
    let canary = namespace.api::<Pod>().get("net-peers-canary").await.expect("a canary");
    assert!(!canary.labels().contains_key(LABEL_COMPONENT), "{:?}", canary.labels());

    // Another image is a fix: it needs a canary of its own.
    namespace.apply("net", &spec("right:2")).await;
    await_ready(&namespace, "net").await;
    let after = ready_pods(&namespace).await;
    assert_eq!(after.len(), before.len());
    assert!(after.values().all(|image| image == "right:2"), "{after:?}");
    eventually("the canaries are deleted", soon(), async || {
        let pods = namespace.api::<Pod>().list(&ListParams::default()).await;
        let names: Vec<_> = pods.expect("a list").iter().map(ResourceExt::name_any).collect();
        if names.iter().any(|name| name.ends_with("-canary")) {
            Err(names.join(", "))
        } else {
            Ok(())
        }
    })
    .await;
}

#[tokio::test]
async fn a_store_that_would_be_refused_keeps_its_pod_and_its_size_grows() {
    let namespace = TestNamespace::new("refused-canary").await;
    let _kubelet = FakeKubelet::start(&namespace);
    let _operator = Operator::start(&namespace.name);
    namespace.apply("shop", "{shape: ThreeTier, threeTier: {data: {storage: {size: 1Gi}}}}").await;
    await_ready(&namespace, "shop").await;
    let limit = json!({
        "metadata": {"name": "small"},
        "spec": {"limits": [{"type": "Container", "max": {"memory": "1Gi"}}]},
    });
    let limit: LimitRange = serde_json::from_value(limit).expect("a LimitRange");
    let made = namespace.api::<LimitRange>().create(&PostParams::default(), &limit).await;
    made.expect("created");
    let set = |namespace: &TestNamespace| namespace.api::<StatefulSet>();
    let before = set(&namespace).get("shop-data").await.expect("a StatefulSet");
    let pods = ready_pods(&namespace).await;

    let data = "{storage: {size: 2Gi}, resources: {requests: {memory: 2Gi}}}";
    namespace.apply("shop", &format!("{{shape: ThreeTier, threeTier: {{data: {data}}}}}")).await;
    await_stopped(&namespace, "shop", "maximum memory usage per Container is 1Gi").await;
    // The StatefulSet is created again for the larger volume, with the template that serves.
    let after = eventually("a StatefulSet with the larger volume", soon(), async || {
        let found = set(&namespace).get("shop-data").await.map_err(|error| error.to_string())?;
        if found.uid() == before.uid() { Err("the old one".to_owned()) } else { Ok(found) }
    })
    .await;
    let container = |set: &StatefulSet| {
        set.spec.as_ref().expect("a spec").template.spec.as_ref().expect("pods").containers[0]
            .resources
            .clone()
    };
    assert_eq!(container(&after), container(&before));
    assert_eq!(ready_pods(&namespace).await, pods);
    let taken_back = "{shape: ThreeTier, threeTier: {data: {storage: {size: 2Gi}}}}";
    namespace.apply("shop", taken_back).await;
    namespace.await_condition("shop", "Progressing", soon(), |c| c.reason != "PodsNotReady").await;
    assert_eq!(ready_pods(&namespace).await, pods);
}

#[tokio::test]
async fn an_upgrade_changes_a_bounded_number_of_architectures_at_once() {
    let namespace = TestNamespace::new("upgrade").await;
    let _kubelet = FakeKubelet::start(&namespace);
    let args = ["--namespaces", &namespace.name, "--leader-elect", "false"];
    let start = |image: &'static str| {
        let limit = ["--workload-image", image, "--max-concurrent-rollouts", "1"];
        Operator::start_with(&[args.as_slice(), limit.as_slice()].concat())
    };
    let mut operator = start("workload:1");
    for name in ["one", "two", "three"] {
        namespace.apply(name, "{shape: ClientServer}").await;
    }
    for name in ["one", "two", "three"] {
        await_ready(&namespace, name).await;
    }
    assert!(operator.stop().await);
    let _operator = start("workload:2");
    eventually("one waits for a slot", soon(), async || {
        let found = namespace.api::<Architecture>().list(&ListParams::default()).await;
        let found = found.map_err(|error| error.to_string())?;
        let statuses = found.iter().filter_map(|one| one.status.as_ref());
        let mut conditions = statuses.flat_map(|status| &status.conditions);
        let expected = "wait for a slot: 1 other Architecture is";
        let waits = conditions.any(|condition| condition.message.contains(expected));
        if waits { Ok(()) } else { Err("none waits".to_owned()) }
    })
    .await;
    eventually("all have the new image", soon(), async || {
        let pods = ready_pods(&namespace).await;
        let is_new = pods.len() == 9 && pods.values().all(|image| image == "workload:2");
        if is_new { Ok(()) } else { Err(format!("{pods:?}")) }
    })
    .await;
    for name in ["one", "two", "three"] {
        await_ready(&namespace, name).await;
    }
}

#[tokio::test]
async fn a_plan_names_the_storage_class_and_the_namespace_that_do_not_exist() {
    let namespace = TestNamespace::new("plan-missing").await;
    let spec = "{shape: ThreeTier, threeTier: {data: {storage: {storageClassName: no-such}}}}";
    let text = format!(
        "{{apiVersion: maquette.dev/v1alpha1, kind: Architecture, metadata: {{name: shop}}, \
         spec: {spec}}}"
    );
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("shop.yaml");
    std::fs::write(&file, text).expect("written");
    // A class without an object is legal: the plan only notes it.
    for (name, code, expected) in [
        (
            namespace.name.as_str(),
            2,
            "note: data: StorageClass no-such does not exist; the cluster",
        ),
        ("no-such-namespace", 1, "namespace no-such-namespace does not exist: kubectl create"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_maquette"))
            .env("KUBECONFIG", kubeconfig())
            .args(["plan", "--namespace", name, "-f"])
            .arg(&file)
            .output()
            .expect("it runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let text = text + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert!(text.contains(expected), "{text}");
    }
}
