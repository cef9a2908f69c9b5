//! Whether a live object still has all that was applied, by the rules of server-side apply for the
//! fields that we set.
//!
//! Fields that others added do not count: labels, sidecars, defaults of the API server. Lists of
//! named entries are compared by their keys, atomic fields as a whole. An absent field and an empty
//! one are equal.

use super::to_json;
use crate::api::Quantity;
use serde::Serialize;
use serde_json::{Map, Value};

/// How a field's parts are compared.
enum FieldRule {
    /// A list in any order whose entries these fields identify; others may add entries.
    Keyed(&'static [&'static str]),
    /// A list whose entries are all ours; others may add fields to each.
    Ordered,
    /// One owner for the whole field: another key in a selector selects other pods.
    Atomic,
    /// A map of quantities: `1000m` equals `1`.
    Quantities,
    /// Field by field; others may add fields.
    Fields,
}

fn field_rule(field: &str, value: &Value) -> FieldRule {
    match field {
        "containers" | "env" | "volumes" | "imagePullSecrets" => FieldRule::Keyed(&["name"]),
        "ports" => FieldRule::Keyed(&["containerPort", "port", "protocol"]),
        "volumeMounts" => FieldRule::Keyed(&["mountPath"]),
        "ownerReferences" => FieldRule::Keyed(&["uid"]),
        "topologySpreadConstraints" => FieldRule::Keyed(&["topologyKey", "whenUnsatisfiable"]),
        "volumeClaimTemplates" => FieldRule::Ordered,
        "selector" | "labelSelector" | "nodeSelector" | "fieldRef" => FieldRule::Atomic,
        "requests" | "limits" => FieldRule::Quantities,
        _ if value.is_object() => FieldRule::Fields,
        _ => FieldRule::Atomic,
    }
}

/// The path of the first field of `desired` that `live` lacks or has otherwise, such as
/// `spec.template.spec.containers[workload].image`; none if `live` has them all. Both must be the
/// same object, the same part of one, or the same list of claim templates.
pub fn first_difference(desired: &impl Serialize, live: &impl Serialize) -> Option<String> {
    let (mut desired, live) = (to_json(desired), to_json(live));
    if let Some(desired) = desired.as_object_mut() {
        // They identify the kind; the API server leaves them out in lists.
        desired.retain(|field, _| !matches!(field.as_str(), "apiVersion" | "kind"));
    }
    let path = match &desired {
        Value::Object(_) => in_fields(&desired, &live),
        Value::Array(desired) => in_ordered(desired, list_entries(&live)),
        _ => (!is_same(&desired, &live)).then(String::new),
    };
    path.map(|path| path.trim_start_matches('.').to_owned())
}

/// The path of the first difference, relative to the two objects.
fn in_fields(desired: &Value, live: &Value) -> Option<String> {
    let fields = desired.as_object()?;
    fields.iter().find_map(|(field, wanted)| {
        let found = live.get(field).unwrap_or(&Value::Null);
        in_field(field, wanted, found).map(|path| format!(".{field}{path}"))
    })
}

fn in_field(field: &str, desired: &Value, live: &Value) -> Option<String> {
    if desired.is_null() {
        return None;
    }
    match field_rule(field, desired) {
        FieldRule::Keyed(keys) => in_keyed(keys, list_entries(desired), list_entries(live)),
        FieldRule::Ordered => in_ordered(list_entries(desired), list_entries(live)),
        FieldRule::Atomic => (!is_same(desired, live)).then(String::new),
        FieldRule::Quantities => in_quantities(desired, live),
        FieldRule::Fields => in_fields(desired, live),
    }
}

fn in_keyed(keys: &[&str], desired: &[Value], live: &[Value]) -> Option<String> {
    desired.iter().find_map(|wanted| {
        let found = live.iter().find(|entry| keys.iter().all(|key| wanted[key] == entry[key]));
        in_fields(wanted, found.unwrap_or(&Value::Null))
            .map(|path| format!("[{}]{path}", entry_key(keys, wanted)))
    })
}

/// The key of an entry as it is shown in a path.
fn entry_key(keys: &[&str], entry: &Value) -> String {
    let values = keys.iter().filter_map(|key| entry.get(key));
    let parts: Vec<_> = values
        .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        .collect();
    parts.join(",")
}

fn in_ordered(desired: &[Value], live: &[Value]) -> Option<String> {
    if desired.len() != live.len() {
        return Some(String::new());
    }
    let mut pairs = desired.iter().zip(live).enumerate();
    pairs.find_map(|(index, (wanted, found))| {
        in_fields(wanted, found).map(|path| format!("[{index}]{path}"))
    })
}

fn in_quantities(desired: &Value, live: &Value) -> Option<String> {
    let amounts = desired.as_object()?;
    amounts
        .iter()
        .find(|(name, wanted)| {
            !live.get(*name).is_some_and(|found| is_same_quantity(wanted, found))
        })
        .map(|(name, _)| format!(".{name}"))
}

fn is_same_quantity(a: &Value, b: &Value) -> bool {
    match (parse_quantity(a), parse_quantity(b)) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

fn parse_quantity(value: &Value) -> Option<Quantity> {
    value.as_str()?.parse().ok()
}

/// Whether two values are equal as a whole.
fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        _ if is_absent(a) && is_absent(b) => true,
        (Value::Object(a), Value::Object(b)) => contains_all(a, b) && contains_all(b, a),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
        }
        _ => a == b,
    }
}

/// Whether `b` has all fields of `a`.
fn contains_all(a: &Map<String, Value>, b: &Map<String, Value>) -> bool {
    a.iter().all(|(field, value)| is_same(value, b.get(field).unwrap_or(&Value::Null)))
}

fn is_absent(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

fn list_entries(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn path(desired: Value, live: Value) -> Option<String> {
        first_difference(&desired, &live)
    }

    #[test]
    fn what_others_added_is_no_difference() {
        let desired = json!({
            "kind": "Deployment",
            "metadata": {"labels": {"a": "1"}, "ownerReferences": []},
            "spec": {"replicas": 2, "containers": [
                {"name": "workload", "image": "i", "ports": [{"containerPort": 1, "protocol": "TCP"}]}
            ]},
        });
        let live = json!({
            "metadata": {"labels": {"a": "1", "b": "2"}, "uid": "u"},
            "spec": {"replicas": 2, "paused": false, "containers": [
                {"name": "sidecar", "image": "s"},
                {"name": "workload", "image": "i", "ports": [
                    {"containerPort": 1, "protocol": "UDP"},
                    {"containerPort": 1, "protocol": "TCP", "hostPort": 5},
                ], "terminationMessagePath": "/dev/termination-log"},
            ]},
            "status": {},
        });
        assert_eq!(path(desired, live), None);
    }

    #[test]
    fn a_difference_is_named_by_its_path() {
        let cases = [
            (json!({"spec": {"a": 1}}), json!({"spec": {"a": 2}}), "spec.a"),
            (json!({"spec": {"a": false}}), json!({"spec": {}}), "spec.a"),
            (json!({"data": {"k": "v"}}), json!({}), "data.k"),
            (
                json!({"containers": [{"name": "w", "image": "i"}]}),
                json!({"containers": [{"name": "w", "image": "j"}]}),
                "containers[w].image",
            ),
            (
                json!({"ports": [{"port": 80, "protocol": "TCP", "name": "http"}]}),
                json!({"ports": [{"port": 80, "protocol": "UDP", "name": "http"}]}),
                "ports[80,TCP].name",
            ),
            (json!([{"size": 1}]), json!([{"size": 2}]), "[0].size"),
            (json!([{"size": 1}]), json!(null), ""),
            (
                json!({"volumeClaimTemplates": [{"spec": {"volumeMode": "Filesystem"}}]}),
                json!({"volumeClaimTemplates": [{"spec": {"volumeMode": "Block"}}]}),
                "volumeClaimTemplates[0].spec.volumeMode",
            ),
        ];
        for (desired, live, expected) in cases {
            assert_eq!(path(desired, live).as_deref(), Some(expected));
        }
    }

    #[test]
    fn selectors_and_lists_without_keys_are_compared_as_a_whole() {
        let selector = |value: Value| json!({"spec": {"selector": value}});
        let wider = json!({"a": "1", "b": "2"});
        assert_eq!(
            path(selector(json!({"a": "1"})), selector(wider)).as_deref(),
            Some("spec.selector")
        );
        assert!(path(json!({"args": ["a"]}), json!({"args": ["a", "b"]})).is_some());
        assert!(path(json!({"args": ["a", "b"]}), json!({"args": ["b", "a"]})).is_some());
        assert!(path(json!({"tolerations": []}), json!({"tolerations": [{"key": "k"}]})).is_some());
        assert!(path(json!({"tolerations": []}), json!({})).is_none());
    }

    #[test]
    fn quantities_are_compared_as_amounts() {
        let resources = |cpu: &str| json!({"resources": {"limits": {"cpu": cpu}}});
        assert_eq!(path(resources("1000m"), resources("1")), None);
        assert_eq!(path(resources("0.5"), resources("500m")), None);
        assert_eq!(
            path(resources("500m"), resources("501m")).as_deref(),
            Some("resources.limits.cpu")
        );
        assert!(path(resources("1"), json!({"resources": {}})).is_some());
    }
}
