//! Drift: fields that the operator sets are restored; fields of others stay.

use crate::{
    apply::await_rendered,
    support::{
        AnyObject, CHILD_KINDS, Operator, TestNamespace, api_of, api_of_child, eventually, soon,
    },
};
use kube::{
    ResourceExt,
    api::{Patch, PatchParams, PostParams},
};
use maquette::render::first_difference;
use serde_json::Value;

/// A model with an object of every kind.
const MODEL: &str = "{shape: PeerToPeer}";
/// Fields that identify the entries of a list: another value makes another entry, which belongs to
/// others and stays.
const KEYS: [&str; 8] = [
    "name",
    "port",
    "containerPort",
    "protocol",
    "mountPath",
    "topologyKey",
    "whenUnsatisfiable",
    "uid",
];

#[tokio::test]
async fn every_field_that_the_operator_sets_is_restored() {
    let namespace = TestNamespace::new("drift").await;
    let operator = Operator::start(&namespace.name);
    namespace.apply("p", MODEL).await;
    namespace.await_children("p").await;
    await_rendered(&namespace, "p").await;
    let rendered = crate::apply::expected_objects(&namespace, "p").await;
    let mut changed = 0;
    for (key, wanted) in &rendered {
        for field in leaf_fields(wanted) {
            changed += usize::from(change_and_await(&namespace, key, wanted, &field).await);
        }
    }
    assert!(changed > 60, "only {changed} fields can be changed");
    assert!(!operator.log().contains(" ERROR "), "{}", operator.log());
}

#[tokio::test]
async fn a_change_that_is_taken_back_is_applied_both_times() {
    let namespace = TestNamespace::new("taken-back").await;
    let _operator = Operator::start(&namespace.name);
    for replicas in [1, 2, 1] {
        let spec =
            format!("{{shape: ThreeTier, threeTier: {{business: {{replicas: {replicas}}}}}}}");
        namespace.apply("t", &spec).await;
        namespace.await_children("t").await;
        await_rendered(&namespace, "t").await;
        // A change by another client: what is as rendered was compared once more before.
        let rendered = crate::apply::expected_objects(&namespace, "t").await;
        let wanted = &rendered["Deployment t-business"];
        assert!(
            change_and_await(&namespace, "Deployment t-business", wanted, "/spec/replicas").await
        );
    }
}

/// Changes a field and waits until it is restored to `wanted`. False if the API server refuses the
/// change.
async fn change_and_await(
    namespace: &TestNamespace,
    key: &str,
    wanted: &Value,
    field: &str,
) -> bool {
    let (api, name) = api_of_child(namespace, key);
    let params = PostParams { field_manager: Some("another-manager".to_owned()), dry_run: false };
    loop {
        let found = api.get(name).await.expect("it is there");
        let mut object = serde_json::to_value(found).expect("JSON");
        let Some(value) = object.pointer_mut(field) else { return false };
        *value = other_value(value);
        let object: AnyObject = serde_json::from_value(object).expect("an object");
        match api.replace(name, &params, &object).await {
            Ok(_) => break,
            // A controller wrote its status in between.
            Err(kube::Error::Api(status)) if status.is_conflict() => {}
            Err(kube::Error::Api(status)) if matches!(status.code, 400 | 422) => return false,
            Err(error) => panic!("{key} {field}: {error}"),
        }
    }
    eventually(&format!("{key} {field} is restored"), soon(), async || {
        let found = api.get_opt(name).await.map_err(|error| error.to_string())?;
        let found = found.ok_or("it is gone")?;
        first_difference(wanted, &found).map_or(Ok(()), |field| Err(format!("{field} differs")))
    })
    .await;
    true
}

/// Pointers to every leaf field, except those that name the object or its owner.
fn leaf_fields(object: &Value) -> Vec<String> {
    let mut found = vec![];
    collect(object, String::new(), &mut found);
    let skipped = ["/apiVersion", "/kind", "/metadata/name", "/metadata/ownerReferences"];
    found.retain(|path| !skipped.iter().any(|skip| path.starts_with(skip)));
    found
}

fn collect(value: &Value, path: String, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                let in_list =
                    path.rsplit('/').next().is_some_and(|last| last.parse::<u32>().is_ok());
                if !(in_list && KEYS.contains(&name.as_str())) {
                    let name = name.replace('~', "~0").replace('/', "~1");
                    collect(value, format!("{path}/{name}"), found);
                }
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                collect(value, format!("{path}/{index}"), found);
            }
        }
        Value::Null => {}
        _ => found.push(path),
    }
}

fn other_value(value: &Value) -> Value {
    match value {
        Value::Bool(bool) => Value::Bool(!bool),
        // Not more peers: an extra peer is deleted only after it has reported.
        Value::Number(number) => match number.as_i64().unwrap_or(0) {
            more @ 2.. => Value::from(more - 1),
            few => Value::from(few + 1),
        },
        Value::String(text) if text.ends_with("Mi") => Value::from("33Mi"),
        Value::String(text) if text.ends_with('m') => Value::from("7m"),
        Value::String(text) => Value::from(format!("{text}x")),
        other => other.clone(),
    }
}

#[tokio::test]
async fn a_changed_port_is_restored() {
    let namespace = TestNamespace::new("drift-port").await;
    let _operator = Operator::start(&namespace.name);
    namespace.apply("p", "{shape: ThreeTier}").await;
    namespace.await_children("p").await;
    await_rendered(&namespace, "p").await;
    // Both lists are keyed by the port: the changed entry looks like one of others, and two
    // entries cannot have the same name.
    for (kind, name, pointer) in [
        (CHILD_KINDS[2], "p-client", "/spec/ports/0/port"),
        (CHILD_KINDS[3], "p-client", "/spec/template/spec/containers/0/ports/0/containerPort"),
    ] {
        let api = api_of(&namespace, kind);
        let mut object = serde_json::to_value(api.get(name).await.expect("there")).expect("JSON");
        *object.pointer_mut(pointer).expect("a port") = Value::from(1234);
        let object: AnyObject = serde_json::from_value(object).expect("an object");
        api.replace(name, &PostParams::default(), &object).await.expect("replaced");
        await_rendered(&namespace, "p").await;
    }
}

#[tokio::test]
async fn every_deleted_child_is_created_again() {
    let namespace = TestNamespace::new("drift-deleted").await;
    let _operator = Operator::start(&namespace.name);
    namespace.apply("p", MODEL).await;
    namespace.await_children("p").await;
    for (key, child) in namespace.children("p").await {
        namespace.delete_and_await_child(&key, &child).await;
    }
    await_rendered(&namespace, "p").await;
}

#[tokio::test]
async fn labels_and_annotations_of_others_stay() {
    let namespace = TestNamespace::new("others").await;
    let _operator = Operator::start(&namespace.name);
    namespace.apply("p", MODEL).await;
    namespace.await_children("p").await;
    let children = namespace.children("p").await;
    for (key, child) in &children {
        let metadata = serde_json::json!({
            "annotations": {"example.org/theirs": "kept"}, "labels": {"example.org/theirs": "kept"}
        });
        let mut theirs = serde_json::json!({"metadata": metadata});
        if child.data.pointer("/spec/template/metadata").is_some() {
            // As `kubectl rollout restart` does.
            let restarted = serde_json::json!({"kubectl.kubernetes.io/restartedAt": "now"});
            theirs["spec"]["template"]["metadata"]["annotations"] = restarted;
        }
        let ((api, name), params) = (api_of_child(&namespace, key), PatchParams::default());
        api.patch(name, &params, &Patch::Merge(theirs)).await.expect("patched");
    }
    // Applies every object that has a pod template or a configuration.
    namespace
        .apply("p", "{shape: PeerToPeer, peerToPeer: {responseSize: 1Ki}, pods: {labels: {a: b}}}")
        .await;
    await_rendered(&namespace, "p").await;
    for (key, child) in namespace.children("p").await {
        assert_eq!(
            child.annotations().get("example.org/theirs").map(String::as_str),
            Some("kept"),
            "{key}"
        );
        assert_eq!(
            child.labels().get("example.org/theirs").map(String::as_str),
            Some("kept"),
            "{key}"
        );
        if let Some(annotations) = child.data.pointer("/spec/template/metadata/annotations") {
            assert_eq!(annotations["kubectl.kubernetes.io/restartedAt"], "now", "{key}");
        }
    }
}
