//! The chart with default values gives the objects of `manifests/install.yaml`.

use crate::helm::{repository_file, stdout_of, template};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Objects by kind and name.
type Objects = BTreeMap<(String, String), Value>;

/// Labels and annotations that only a release has.
const HELMS_OWN: [&str; 4] = [
    "app.kubernetes.io/instance",
    "app.kubernetes.io/managed-by",
    "helm.sh/chart",
    "helm.sh/resource-policy",
];

fn objects(yaml: &str) -> Objects {
    let mut objects = Objects::new();
    for document in serde_norway::Deserializer::from_str(yaml) {
        let mut object = Value::deserialize(document).expect("YAML");
        if object.is_null() {
            continue;
        }
        without_helms_own(&mut object);
        let key = (text(&object["kind"]), text(&object["metadata"]["name"]));
        assert!(objects.insert(key.clone(), object).is_none(), "{key:?} is there twice");
    }
    objects
}

fn text(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}

/// Removes Helm's labels and annotations at every level, and maps that become empty.
fn without_helms_own(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|key, _| !HELMS_OWN.contains(&key.as_str()));
            members.values_mut().for_each(without_helms_own);
            members.retain(|key, value| key != "annotations" || value != &serde_json::json!({}));
        }
        Value::Array(elements) => elements.iter_mut().for_each(without_helms_own),
        _ => {}
    }
}

#[test]
fn the_chart_installs_what_the_manifest_installs() {
    let mut manifest =
        objects(&std::fs::read_to_string(repository_file("manifests/install.yaml")).expect("it"));
    // Helm creates the namespace: --create-namespace.
    let namespace = ("Namespace".to_owned(), crate::helm::NAMESPACE.to_owned());
    assert!(manifest.remove(&namespace).is_some(), "the manifest has no namespace");
    let chart = objects(&stdout_of(&mut template(&[])));
    let names = |objects: &Objects| objects.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&chart), names(&manifest));
    for (key, wanted) in &manifest {
        let yaml = |value| serde_norway::to_string(value).expect("YAML");
        assert_eq!(yaml(&chart[key]), yaml(wanted), "{key:?}");
    }
}

#[test]
fn the_definition_is_kept_on_uninstall() {
    let chart = stdout_of(&mut template(&["--show-only", "templates/crd.yaml"]));
    let crd: Value = serde_norway::from_str(&chart).expect("YAML");
    assert_eq!(crd["metadata"]["annotations"]["helm.sh/resource-policy"], "keep");
}
