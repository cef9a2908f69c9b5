//! Checks a document against the schema: types, unknown and missing fields, bounds, duplicates.
//!
//! The messages are those of the API server. It does not check CEL rules and patterns: the
//! `validate` methods of the types make those checks in Rust.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

use super::bounds;
use super::error_list::{ErrorList, FieldPath, to_json};

/// The message for the field `name`, which is not one of `known`.
pub(crate) fn unknown_field<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    match nearest_name(name, known) {
        Some(nearest) => format!("unknown field: did you mean {nearest}? If not, remove it"),
        None => "unknown field: remove it".to_owned(),
    }
}

/// The one of `known` that differs from `name` in at most a quarter of its letters; upper and lower
/// case count as the same.
fn nearest_name<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let distances = known.into_iter().map(|candidate| {
        let distance = strsim::damerau_levenshtein(&name, &candidate.to_lowercase());
        (distance, candidate)
    });
    let near =
        distances.filter(|(distance, candidate)| *distance <= name.len().max(candidate.len()) / 4);
    near.min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

/// Adds everything in `value` that `schema` does not allow to `errors`.
pub(crate) fn check_value(
    value: &Value,
    schema: &JSONSchemaProps,
    path: &FieldPath,
    errors: &mut ErrorList,
) {
    if !has_type(value, schema) {
        let message = format!("must be of type {}, not {}", expected_type(schema), type_of(value));
        errors.add(path, scalar_json(value), message);
        return;
    }
    match value {
        Value::Object(members) => check_object(members, schema, path, errors),
        Value::Array(items) => check_array(items, schema, path, errors),
        Value::String(text) => check_string(text, schema, path, errors),
        Value::Number(_) => check_number(value, schema, path, errors),
        Value::Null | Value::Bool(_) => {}
    }
}

/// Removes fields that are null, as the API server does for fields that are not nullable.
pub(crate) fn remove_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(remove_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(remove_nulls),
        _ => {}
    }
}

fn expected_type(schema: &JSONSchemaProps) -> &str {
    match schema.x_kubernetes_int_or_string {
        Some(true) => "integer or string",
        _ => schema.type_.as_deref().unwrap_or("any"),
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn has_type(value: &Value, schema: &JSONSchemaProps) -> bool {
    match expected_type(schema) {
        "any" => true,
        "integer or string" => matches!(type_of(value), "integer" | "string"),
        expected => type_of(value) == expected,
    }
}

/// The value for an error message; none for objects and lists, which may be long.
fn scalar_json(value: &Value) -> Option<String> {
    if value.is_object() || value.is_array() { None } else { to_json(value) }
}

fn check_object(
    members: &Map<String, Value>,
    schema: &JSONSchemaProps,
    path: &FieldPath,
    errors: &mut ErrorList,
) {
    let entries = match &schema.additional_properties {
        Some(JSONSchemaPropsOrBool::Schema(entries)) => Some(entries.as_ref()),
        _ => None,
    };
    let known = schema.properties.as_ref();
    for (name, member) in members {
        match (known.and_then(|known| known.get(name)), entries) {
            (Some(schema), _) => check_value(member, schema, &path.field(name), errors),
            (None, Some(entries)) => check_value(member, entries, &path.key(name), errors),
            (None, None) => {
                let known = known.iter().flat_map(|known| known.keys().map(String::as_str));
                errors.add(&path.field(name), None, unknown_field(name, known));
            }
        }
    }
    for name in schema.required.iter().flatten().filter(|name| !members.contains_key(*name)) {
        errors.add(&path.field(name), None, "Required value");
    }
    if let Some(most) = schema.max_properties.filter(|most| to_i64(members.len()) > *most) {
        errors.add(path, None, bounds::too_many(most));
    }
}

fn check_array(
    items: &[Value],
    schema: &JSONSchemaProps,
    path: &FieldPath,
    errors: &mut ErrorList,
) {
    if let Some(least) = schema.min_items.filter(|least| to_i64(items.len()) < *least) {
        errors.add(path, None, bounds::too_few(least));
    }
    if let Some(most) = schema.max_items.filter(|most| to_i64(items.len()) > *most) {
        errors.add(path, None, bounds::too_many(most));
    }
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (index, item) in items.iter().enumerate() {
        if let Some(key) = unique_key(item, schema) {
            let count = counts.entry(key.clone()).or_default();
            *count += 1;
            // The API server reports each duplicate key once, at its second item.
            if *count == 2 {
                errors.add(&path.index(index), None, bounds::duplicate_value(&key));
            }
        }
        if let Some(JSONSchemaPropsOrArray::Schema(schema)) = &schema.items {
            check_value(item, schema, &path.index(index), errors);
        }
    }
}

/// The JSON that must be unique in the list: the item of a set, the keys of a map's item; none for
/// other lists.
fn unique_key(item: &Value, schema: &JSONSchemaProps) -> Option<String> {
    match schema.x_kubernetes_list_type.as_deref()? {
        "set" => to_json(item),
        "map" => {
            let keys = schema.x_kubernetes_list_map_keys.iter().flatten();
            let members = keys.map(|key| Some((key.clone(), item.get(key)?.clone())));
            to_json(&members.collect::<Option<Map<_, _>>>()?)
        }
        _ => None,
    }
}

fn check_string(text: &str, schema: &JSONSchemaProps, path: &FieldPath, errors: &mut ErrorList) {
    let value = to_json(&text);
    if let Some(least) = schema.min_length.filter(|least| to_i64(text.len()) < *least) {
        errors.add(path, value.clone(), format!("should be at least {least} chars long"));
    }
    if let Some(most) = schema.max_length.filter(|most| to_i64(text.chars().count()) > *most) {
        errors.add(path, value.clone(), bounds::too_long(most));
    }
    let allowed: Vec<_> = schema.enum_.iter().flatten().map(|value| value.0.to_string()).collect();
    if !allowed.is_empty() && !value.as_ref().is_some_and(|value| allowed.contains(value)) {
        let message = format!("supported values: {}", allowed.join(", "));
        errors.add(path, value, message);
    }
}

fn check_number(value: &Value, schema: &JSONSchemaProps, path: &FieldPath, errors: &mut ErrorList) {
    let Some(number) = value.as_f64() else { return };
    if let Some(least) = schema.minimum.filter(|least| number < *least) {
        errors.add(path, to_json(value), bounds::too_small(&least.to_string()));
    }
    if let Some(most) = schema.maximum.filter(|most| number > *most) {
        errors.add(path, to_json(value), bounds::too_large(&most.to_string()));
    }
}

fn to_i64(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_known_field_is_suggested() {
        let known = ["calls", "mode", "name", "owns", "replicas", "services", "nTier"];
        let suggested = |name| nearest_name(name, known);
        assert_eq!(suggested("service"), Some("services"));
        assert_eq!(suggested("sevrices"), Some("services"));
        assert_eq!(suggested("replica"), Some("replicas"));
        assert_eq!(suggested("ntier"), Some("nTier"));
        assert_eq!(suggested("call"), Some("calls"));
        assert_eq!(suggested("copies"), None);
        assert_eq!(nearest_name("gpu", ["cpu", "memory"]), None, "another word");
        assert_eq!(
            unknown_field("servces", known),
            "unknown field: did you mean services? If not, remove it"
        );
        assert_eq!(unknown_field("x", known), "unknown field: remove it");
    }
}
