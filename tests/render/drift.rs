//! Drift: an applied object never differs, with any fields of others; every change of ours does.

use crate::{
    models::{CASES, any_topology, plan_model, render_model},
    specs::valid,
};
use maquette::render::first_difference;
use maquette_contract::keys;
use proptest::{prelude::*, sample::Index};
use serde_json::{Map, Value, json};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn fields_that_others_add_are_no_difference(topology in any_topology()) {
        for desired in render_model(&topology).to_values() {
            let mut live = desired.clone();
            add_foreign_fields(&mut live);
            prop_assert_eq!(first_difference(&desired, &live), None);
        }
    }

    #[test]
    fn any_changed_or_removed_field_is_a_difference(
        topology in any_topology(),
        object in any::<Index>(),
        field in any::<Index>(),
        other in select_change(),
    ) {
        let objects = render_model(&topology).to_values();
        let desired = object.get(&objects);
        let leaves = leaves(desired);
        let path = field.get(&leaves);
        let mut live = desired.clone();
        add_foreign_fields(&mut live);
        change(&mut live, path, &other);
        prop_assert!(first_difference(desired, &live).is_some(), "a change of {path:?} is not noticed");
    }

    #[test]
    fn rendering_twice_is_the_same(spec in valid()) {
        let (first, second) = (plan_model(&spec, "shop", "u"), plan_model(&spec, "shop", "u"));
        prop_assert_eq!(render_model(&first), render_model(&second));
    }

    #[test]
    fn the_hash_of_an_object_is_that_of_its_content(before in valid(), after in valid()) {
        let (before, after) = (plan_model(&before, "shop", "u"), plan_model(&after, "shop", "u"));
        let (before, after) = (render_model(&before).to_values(), render_model(&after).to_values());
        for object in &before {
            let hash = |object: &Value| object["metadata"]["annotations"][keys::ANNOTATION_APPLIED_HASH].clone();
            prop_assert!(hash(object).is_string());
            let same_name = |other: &&Value| {
                other["kind"] == object["kind"]
                    && other["metadata"]["name"] == object["metadata"]["name"]
            };
            if let Some(other) = after.iter().find(same_name) {
                prop_assert_eq!(hash(object) == hash(other), object == other);
            }
        }
    }
}

/// A change of one field.
#[derive(Clone, Debug)]
enum Change {
    Removed,
    Replaced,
}

fn select_change() -> impl Strategy<Value = Change> {
    prop_oneof![Just(Change::Removed), Just(Change::Replaced)]
}

/// Adds fields beside ours everywhere and entries before ours in every keyed list, and rewrites
/// quantities.
fn add_foreign_fields(live: &mut Value) {
    match live {
        Value::Object(map) => {
            for (field, value) in map.iter_mut() {
                if !is_atomic(field, value) {
                    add_foreign_fields(value);
                }
                add_entries(field, value);
                if matches!(field.as_str(), "requests" | "limits") {
                    rewrite_amounts(value);
                }
            }
            map.insert("of-others".to_owned(), json!("x"));
        }
        Value::Array(list) => list.iter_mut().for_each(add_foreign_fields),
        _ => {}
    }
}

/// Whether the field is atomic in server-side apply, by the documentation of the API.
fn is_atomic(field: &str, value: &Value) -> bool {
    let atomic = ["selector", "labelSelector", "nodeSelector", "fieldRef", "tolerations"];
    atomic.contains(&field)
        || value.as_array().is_some_and(|list| list.iter().all(Value::is_string))
}

fn add_entries(field: &str, value: &mut Value) {
    let entry = match field {
        "containers" | "env" | "volumes" | "imagePullSecrets" => json!({"name": "of-others"}),
        "ports" => json!({"containerPort": 1, "port": 1, "protocol": "TCP"}),
        "volumeMounts" => json!({"mountPath": "/of-others"}),
        "ownerReferences" => json!({"uid": "of-others"}),
        _ => return,
    };
    if let Value::Array(list) = value {
        list.insert(0, entry);
    }
}

fn rewrite_amounts(amounts: &mut Value) {
    for (_, amount) in amounts.as_object_mut().into_iter().flat_map(Map::iter_mut) {
        let written = match amount.as_str() {
            Some("1") => "1000m",
            Some("1Gi") => "1024Mi",
            Some("100m") => "0.1",
            _ => continue,
        };
        *amount = written.into();
    }
}

/// The paths of all leaves: names of fields and indexes of entries, as in RFC 6901.
fn leaves(object: &Value) -> Vec<Vec<String>> {
    let mut found = vec![];
    collect(object, &mut vec![], &mut found);
    // They identify the kind.
    found.retain(|path| path != &["kind"] && path != &["apiVersion"]);
    found
}

fn collect(value: &Value, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    let mut below = |key: String, value| {
        path.push(key);
        collect(value, path, found);
        path.pop();
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| below(key.clone(), value)),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(index, value)| below(index.to_string(), value));
        }
        _ => found.push(path.clone()),
    }
}

/// Changes the value at a path of the desired object in the live one, whose keyed lists begin with
/// an entry of others.
fn change(live: &mut Value, path: &[String], how: &Change) {
    let [key, rest @ ..] = path else {
        panic!("a path to a value");
    };
    match live {
        Value::Array(list) => {
            let others = list.first().is_some_and(is_foreign);
            let at = key.parse::<usize>().expect("a number") + usize::from(others);
            match (rest, how) {
                ([], Change::Removed) => _ = list.remove(at),
                ([], Change::Replaced) => replace(&mut list[at]),
                _ => change(&mut list[at], rest, how),
            }
        }
        Value::Object(map) => match (rest, how) {
            ([], Change::Removed) => _ = map.remove(key),
            ([], Change::Replaced) => replace(&mut map[key]),
            _ => change(&mut map[key], rest, how),
        },
        _ => panic!("{path:?} does not exist"),
    }
}

fn is_foreign(entry: &Value) -> bool {
    let fields = ["name", "mountPath", "uid"].map(|field| &entry[field]);
    let port = [&entry["containerPort"], &entry["port"]].contains(&&json!(1));
    port || fields
        .iter()
        .any(|field| field.as_str().is_some_and(|text| text.ends_with("of-others")))
}

fn replace(value: &mut Value) {
    *value = match &*value {
        Value::Bool(value) => Value::Bool(!value),
        Value::Number(number) => json!(number.as_i64().expect("a whole number") + 1),
        Value::String(text) => Value::String(format!("{text}x")),
        other => panic!("{other} is no leaf"),
    };
}
