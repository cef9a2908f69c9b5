//! What tools that keep Architectures in git see: kstatus (Flux, Helm, kpt) and the client-side diff
//! of Argo CD.

use crate::support::{ARCHITECTURE, AnyObject, TestNamespace, api_of};
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
