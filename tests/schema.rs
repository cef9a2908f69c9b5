//! The schema as users see it: descriptions, bounds, and defaults that agree with the code.

#![cfg(test)]

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use maquette::api::{ArchitectureSpec, Shape, crd};
use serde_json::json;

fn schema() -> JSONSchemaProps {
    let version = crd().spec.versions.remove(0);
    version.schema.expect("a schema").open_api_v3_schema.expect("a schema")
}

/// Calls `visit` for a schema and all schemas below it, each with its path.
fn walk(schema: &JSONSchemaProps, path: &str, visit: &mut dyn FnMut(&str, &JSONSchemaProps)) {
    visit(path, schema);
    for (name, member) in schema.properties.iter().flatten() {
        walk(member, &format!("{path}.{name}"), visit);
    }
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &schema.items {
        walk(items, &format!("{path}[]"), visit);
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &schema.additional_properties {
        walk(values, &format!("{path}[*]"), visit);
    }
}

/// The paths of the schemas for which `is_wrong` is true.
fn wrong_paths(is_wrong: impl Fn(&str, &JSONSchemaProps) -> bool) -> Vec<String> {
    let mut paths = vec![];
    walk(&schema(), "", &mut |path, schema| {
        if is_wrong(path, schema) {
            paths.push(path.to_owned());
        }
    });
    paths
}

fn is_type(schema: &JSONSchemaProps, expected: &str) -> bool {
    schema.type_.as_deref() == Some(expected)
}

#[test]
fn every_field_has_a_description() {
    let undocumented = wrong_paths(|path, schema| {
        let field = !path.ends_with(']') && !path.starts_with(".metadata");
        field && schema.description.as_ref().is_none_or(|text| text.trim().is_empty())
    });
    assert!(undocumented.is_empty(), "add doc comments: {undocumented:?}");
}

#[test]
fn every_list_map_string_and_number_of_the_spec_is_bounded() {
    let unbounded = wrong_paths(|path, schema| {
        let bounded = match schema.type_.as_deref() {
            Some("array") => schema.max_items.is_some(),
            Some("string") => schema.max_length.is_some() || schema.enum_.is_some(),
            Some("integer") => schema.minimum.is_some() || path.ends_with("tolerationSeconds"),
            Some("object") => {
                schema.additional_properties.is_none() || schema.max_properties.is_some()
            }
            _ => true,
        };
        path.starts_with(".spec") && !bounded
    });
    assert!(unbounded.is_empty(), "set bounds: {unbounded:?}");
}

#[test]
fn there_are_no_floating_point_numbers_and_no_nulls() {
    assert_eq!(
        wrong_paths(|_, schema| is_type(schema, "number") || schema.nullable.is_some()),
        [""; 0]
    );
}

#[test]
fn items_of_lists_have_no_defaults() {
    // A client-side diff, as of Argo CD, replaces lists as a whole.
    let defaults = wrong_paths(|path, schema| path.contains("[]") && schema.default.is_some());
    assert_eq!(defaults, [""; 0], "set the default in the code and describe it");
}

#[test]
fn a_new_object_is_not_observed_yet() {
    let status = &schema().properties.expect("members")["status"];
    let default = status.default.as_ref().map(|default| default.0.clone());
    assert_eq!(default, Some(json!({"observedGeneration": -1})));
}

#[test]
fn lists_of_named_things_merge_by_name() {
    let lists = wrong_paths(|path, schema| {
        let of_objects = matches!(&schema.items, Some(JSONSchemaPropsOrArray::Schema(items))
            if is_type(items, "object"));
        of_objects && schema.x_kubernetes_list_type.as_deref() != Some("map")
            // As in a pod specification: a toleration has no name.
            && !path.ends_with(".tolerations")
    });
    assert_eq!(lists, [""; 0]);
}

#[test]
fn defaults_apply_only_to_the_shapes_that_are_set() {
    let shape_only = serde_json::to_value(ArchitectureSpec::minimal(Shape::NTier)).expect("JSON");
    let members: Vec<_> = shape_only.as_object().expect("an object").keys().cloned().collect();
    assert_eq!(members, ["load", "retention", "shape"]);
    let spec: ArchitectureSpec =
        serde_json::from_value(json!({"shape": "PeerToPeer", "peerToPeer": {}})).expect("a spec");
    let written = serde_json::to_value(spec).expect("JSON");
    assert_eq!(written["peerToPeer"], json!({"replicas": 3, "storage": {"size": "1Gi"}}));
}

#[test]
fn defaults_of_the_schema_are_those_of_the_code() {
    let schema = schema();
    let spec = &schema.properties.as_ref().expect("members")["spec"];
    let default = |member: &str| {
        let member = &spec.properties.as_ref().expect("members")[member];
        member.default.as_ref().map(|default| default.0.clone())
    };
    let written = serde_json::to_value(ArchitectureSpec::minimal(Shape::NTier)).expect("JSON");
    assert_eq!(default("load").as_ref(), written.get("load"));
    assert_eq!(default("retention").as_ref(), written.get("retention"));
    assert_eq!(default("nTier"), None);
}
