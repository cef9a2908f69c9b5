//! The recommended labels: dashboards and service meshes group by them.

use crate::{
    models::{CASES, any_topology, plan_model, render_model},
    view::{Labels, text, title},
};
use maquette::{api::Architecture, plan::Topology};
use maquette_contract::keys;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;
use std::{fs, path::Path};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn any_model_has_the_recommended_labels(topology in any_topology()) {
        assert_recommended_labels(&topology);
    }
}

#[test]
fn every_example_has_the_recommended_labels() {
    let examples = examples();
    assert!(examples.len() >= 4, "{} examples", examples.len());
    for architecture in examples {
        let name = architecture.metadata.name.as_deref().expect("a name");
        assert_recommended_labels(&plan_model(&architecture.spec, name, "u"));
    }
}

#[test]
fn users_may_add_the_labels_app_and_version() {
    let yaml = "{apiVersion: maquette.dev/v1alpha1, kind: Architecture, metadata: {name: shop}, spec: \
                {shape: ThreeTier, pods: {labels: {app: shop, version: v1}}}}";
    let architecture: Architecture = serde_norway::from_str(yaml).expect("an Architecture");
    let topology = plan_model(&architecture.spec, "shop", "u");
    assert_recommended_labels(&topology);
    for object in render_model(&topology).to_values() {
        if let Some(labels) = object.pointer("/spec/template/metadata/labels") {
            assert_eq!((text(&labels["app"]), text(&labels["version"])), ("shop", "v1"));
        }
    }
}

/// Every Architecture among the examples of the manual and the inputs of the golden files.
fn examples() -> Vec<Architecture> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<_> = entries(&root.join("manifests/examples"));
    files
        .extend(entries(&root.join("tests/golden")).iter().map(|folder| folder.join("input.yaml")));
    files.retain(|file| file.is_file());
    let mut architectures = vec![];
    for file in files {
        let yaml = fs::read_to_string(&file).expect("a file");
        for document in serde_norway::Deserializer::from_str(&yaml) {
            let value = Value::deserialize(document).expect("YAML");
            if value["kind"] == "Architecture" {
                architectures.push(serde_json::from_value(value).expect("an Architecture"));
            }
        }
    }
    architectures
}

fn entries(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

/// Asserts that every object, pod and claim names its component and its Architecture, and that no
/// selector uses these names.
fn assert_recommended_labels(topology: &Topology) {
    let architecture = topology.identity().name.to_string();
    for object in render_model(topology).to_values() {
        let component = topology.components().find(|component| {
            object["metadata"]["labels"][keys::LABEL_COMPONENT] == component.name.as_str()
        });
        let (name, role) = match component {
            Some(component) => (component.name.to_string(), Some(component.role().as_str())),
            None => (architecture.clone(), None),
        };
        let labels = all_labels(&object);
        assert!(!labels.is_empty(), "{} has no labels", title(&object));
        for labels in labels {
            let title = title(&object);
            let label = |key: &str| labels.get(key).map(String::as_str);
            assert_eq!(label(keys::LABEL_NAME), Some(name.as_str()), "{title}");
            assert_eq!(label(keys::LABEL_INSTANCE), Some(architecture.as_str()), "{title}");
            assert_eq!(label(keys::LABEL_PART_OF), Some(architecture.as_str()), "{title}");
            assert_eq!(label(keys::LABEL_APP_COMPONENT), role, "{title}");
            assert_eq!(label(keys::LABEL_MANAGED_BY), Some("maquette"), "{title}");
        }
        assert_no_recommended_selector(&title(&object), &object["spec"]);
    }
}

/// The labels of the object, of its pods and of their claims.
fn all_labels(object: &Value) -> Vec<Labels> {
    let mut found = vec![&object["metadata"]["labels"]];
    found.extend(object.pointer("/spec/template/metadata/labels"));
    let claims = object.pointer("/spec/volumeClaimTemplates").and_then(Value::as_array);
    found.extend(claims.into_iter().flatten().map(|claim| &claim["metadata"]["labels"]));
    found
        .into_iter()
        .map(|labels| serde_json::from_value(labels.clone()).expect("labels"))
        .collect()
}

fn assert_no_recommended_selector(title: &str, value: &Value) {
    match value {
        Value::Object(fields) => {
            for (field, value) in fields {
                if matches!(field.as_str(), "selector" | "labelSelector") {
                    let json = value.to_string();
                    assert!(!json.contains("app.kubernetes.io/"), "{title} selects by {json}");
                }
                assert_no_recommended_selector(title, value);
            }
        }
        Value::Array(list) => {
            list.iter().for_each(|value| assert_no_recommended_selector(title, value));
        }
        _ => {}
    }
}
