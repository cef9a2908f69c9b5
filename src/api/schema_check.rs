//! Checks a document against the schema: types, unknown and missing fields, bounds, duplicates. It
//! says what the API server says; what it cannot say (CEL, patterns) is `validate`'s.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

use super::bounds;
use super::error_list::{At, Findings, to_json};

/// Notes everything in `value` that `schema` does not allow.
pub(super) fn check_value(
    value: &Value,
    schema: &JSONSchemaProps,
    at: &At,
    findings: &mut Findings,
) {
    if !has_type(value, schema) {
        let message = format!("must be of type {}, not {}", expected_type(schema), type_of(value));
        findings.add(at, scalar_json(value), message);
        return;
    }
    match value {
        Value::Object(members) => check_object(members, schema, at, findings),
        Value::Array(items) => check_array(items, schema, at, findings),
        Value::String(text) => check_string(text, schema, at, findings),
        Value::Number(_) => check_number(value, schema, at, findings),
        Value::Null | Value::Bool(_) => {}
    }
}

/// Takes away the members that are null: the API server does the same where a field may be absent.
pub(super) fn remove_nulls(value: &mut Value) {
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
        wanted => type_of(value) == wanted,
    }
}

/// The value as a problem shows it, if it is short.
fn scalar_json(value: &Value) -> Option<String> {
    if value.is_object() || value.is_array() { None } else { to_json(value) }
}

fn check_object(
    members: &Map<String, Value>,
    schema: &JSONSchemaProps,
    at: &At,
    findings: &mut Findings,
) {
    let entries = match &schema.additional_properties {
        Some(JSONSchemaPropsOrBool::Schema(entries)) => Some(entries.as_ref()),
        _ => None,
    };
    let known = schema.properties.as_ref();
    for (name, member) in members {
        match (known.and_then(|known| known.get(name)), entries) {
            (Some(schema), _) => check_value(member, schema, &at.field(name), findings),
            (None, Some(entries)) => check_value(member, entries, &at.key(name), findings),
            (None, None) => findings.add(&at.field(name), None, "unknown field: drop it"),
        }
    }
    for name in schema.required.iter().flatten().filter(|name| !members.contains_key(*name)) {
        findings.add(&at.field(name), None, "Required value");
    }
    if let Some(most) = schema.max_properties.filter(|most| to_i64(members.len()) > *most) {
        findings.add(at, None, bounds::too_many(most));
    }
}

fn check_array(items: &[Value], schema: &JSONSchemaProps, at: &At, findings: &mut Findings) {
    if let Some(least) = schema.min_items.filter(|least| to_i64(items.len()) < *least) {
        findings.add(at, None, bounds::too_few(least));
    }
    if let Some(most) = schema.max_items.filter(|most| to_i64(items.len()) > *most) {
        findings.add(at, None, bounds::too_many(most));
    }
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (index, item) in items.iter().enumerate() {
        if let Some(key) = unique_key(item, schema) {
            let count = counts.entry(key.clone()).or_default();
            *count += 1;
            // Said once of each, as the API server does.
            if *count == 2 {
                findings.add(&at.index(index), None, bounds::duplicate_value(&key));
            }
        }
        if let Some(JSONSchemaPropsOrArray::Schema(schema)) = &schema.items {
            check_value(item, schema, &at.index(index), findings);
        }
    }
}

/// What must be unique about an item; none where nothing must.
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

fn check_string(text: &str, schema: &JSONSchemaProps, at: &At, findings: &mut Findings) {
    let value = to_json(&text);
    if let Some(least) = schema.min_length.filter(|least| to_i64(text.len()) < *least) {
        findings.add(at, value.clone(), format!("should be at least {least} chars long"));
    }
    if let Some(most) = schema.max_length.filter(|most| to_i64(text.chars().count()) > *most) {
        findings.add(at, value.clone(), bounds::too_long(most));
    }
    let allowed: Vec<_> = schema.enum_.iter().flatten().map(|value| value.0.to_string()).collect();
    if !allowed.is_empty() && !value.as_ref().is_some_and(|value| allowed.contains(value)) {
        let message = format!("supported values: {}", allowed.join(", "));
        findings.add(at, value, message);
    }
}

fn check_number(value: &Value, schema: &JSONSchemaProps, at: &At, findings: &mut Findings) {
    let Some(number) = value.as_f64() else { return };
    if let Some(least) = schema.minimum.filter(|least| number < *least) {
        findings.add(at, to_json(value), bounds::too_small(&least.to_string()));
    }
    if let Some(most) = schema.maximum.filter(|most| number > *most) {
        findings.add(at, to_json(value), bounds::too_large(&most.to_string()));
    }
}

fn to_i64(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
