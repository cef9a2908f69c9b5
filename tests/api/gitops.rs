//! What tools that keep Architectures in git see: kstatus (Flux, Helm, kpt) and the client-side diff
//! of Argo CD.

use crate::support::{
    ARCHITECTURE, AnyObject, FakeKubelet, Operator, TestNamespace, api_of, eventually, soon,
};
use kube::api::PostParams;
use serde_json::{Value, json};

#[path = "../shared/kstatus.rs"]
mod kstatus;

use kstatus::ResourceStatus;

/// Items of every list that has fields with defaults, as a user writes them.
fn architecture_with_lists() -> Value {
    json!({
        "apiVersion": "maquette.dev/v1alpha1",
        "kind": "Architecture",
        "metadata": {"name": "shop"},
        "spec": {
            "shape": "NTier",
            "clientServer": {"clients": [{"name": "web"}]},
            "nTier": {"services": [
                {"name": "front", "stateless": true, "calls": [{"service": "stock"}]},
                {"name": "stock", "owns": ["*"], "store": {}},
            ]},
            "pods": {"tolerations": [{"key": "dedicated", "value": "models"}]},
        },
    })
}

async fn create(namespace: &TestNamespace, object: &Value, dry_run: bool) -> Value {
    let object: AnyObject = serde_json::from_value(object.clone()).expect("an object");
    let params = PostParams { dry_run, ..PostParams::default() };
    let created = api_of(namespace, ARCHITECTURE).create(&params, &object).await;
    serde_json::to_value(created.expect("created")).expect("JSON")
}

/// The paths at which a JSON merge patch of `file` would change `live`.
fn merge_changes(live: &Value, file: &Value, path: &str) -> Vec<String> {
    match (live, file) {
        (Value::Object(live), Value::Object(file)) => {
            let members = file.iter().flat_map(|(name, value)| {
                let found = live.get(name).unwrap_or(&Value::Null);
                merge_changes(found, value, &format!("{path}.{name}"))
            });
            members.collect()
        }
        _ if live == file => vec![],
        _ => vec![format!("{path}: {file} is not {live}")],
    }
}

#[tokio::test]
async fn a_client_side_diff_of_a_new_object_is_empty() {
    let namespace = TestNamespace::new("in-sync").await;
    let file = architecture_with_lists();
    let live = create(&namespace, &file, false).await;
    assert_eq!(merge_changes(&live["spec"], &file["spec"], "spec"), [""; 0]);
}

#[tokio::test]
async fn a_new_object_is_in_progress_without_an_operator() {
    let namespace = TestNamespace::new("unobserved").await;
    let file = architecture_with_lists();
    for dry_run in [true, false] {
        let created = create(&namespace, &file, dry_run).await;
        assert_eq!(created["status"], json!({"observedGeneration": -1}), "dry run: {dry_run}");
        assert_eq!(kstatus::compute(&created), ResourceStatus::InProgress);
    }
    let applied = namespace.apply("other", "{shape: ThreeTier}").await;
    let applied = serde_json::to_value(applied).expect("JSON");
    assert_eq!(kstatus::compute(&applied), ResourceStatus::InProgress);
    let stored = api_of(&namespace, ARCHITECTURE).get("shop").await.expect("there");
    let stored = serde_json::to_value(stored).expect("JSON");
    assert_eq!(kstatus::compute(&stored), ResourceStatus::InProgress);
}

/// Waits until kstatus says `wanted` of an Architecture; returns its status.
async fn await_kstatus(namespace: &TestNamespace, name: &str, wanted: ResourceStatus) -> Value {
    eventually(&format!("{name} is {wanted:?}"), soon(), async || {
        let found = api_of(namespace, ARCHITECTURE).get(name).await.map_err(|e| e.to_string())?;
        let found = serde_json::to_value(found).expect("JSON");
        let computed = kstatus::compute(&found);
        if computed == wanted { Ok(found["status"].clone()) } else { Err(found.to_string()) }
    })
    .await
}

#[tokio::test]
async fn kstatus_follows_an_architecture_from_creation_to_failure() {
    let namespace = TestNamespace::new("kstatus").await;
    let kubelet = FakeKubelet::start(&namespace);
    let _operator = Operator::start(&namespace.name);
    kubelet.behavior().down.insert("data".to_owned());
    namespace.apply("shop", "{shape: ThreeTier}").await;
    namespace.await_condition("shop", "Reconciling", soon(), |c| c.status == "True").await;
    await_kstatus(&namespace, "shop", ResourceStatus::InProgress).await;
    kubelet.behavior().down.clear();
    await_kstatus(&namespace, "shop", ResourceStatus::Current).await;
    kubelet.behavior().down.insert("peers".to_owned());
    namespace.apply("shop", "{shape: PeerToPeer}").await;
    namespace.await_condition("shop", "Ready", soon(), |c| c.reason == "Evolving").await;
    await_kstatus(&namespace, "shop", ResourceStatus::InProgress).await;
    kubelet.behavior().down.clear();
    await_kstatus(&namespace, "shop", ResourceStatus::Current).await;

    let island = "{shape: NTier, nTier: {services: [{name: web}, {name: far}]}}";
    namespace.apply("shop", island).await;
    let status = await_kstatus(&namespace, "shop", ResourceStatus::Failed).await;
    let ready = namespace.await_condition("shop", "Ready", soon(), |c| c.reason == "Refused").await;
    assert!(ready.message.contains("spec.nTier."), "{}", ready.message);
    assert!(!status.to_string().contains("Reconciling"), "{status}");
    namespace.apply("shop", "{shape: PeerToPeer}").await;
    await_kstatus(&namespace, "shop", ResourceStatus::Current).await;
}
