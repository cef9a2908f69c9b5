//! The CustomResourceDefinition.
//!
//! Owns what the derived schema lacks: the rules on the whole resource, defaults in descriptions.
//! It never decides what is valid: the rules are `spec`'s, the bounds stand at the types.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSON, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::CustomResourceExt;
use serde::{Serialize, Serializer, ser::Error};
use serde_json::{Value, json};
use std::sync::LazyLock;

use super::spec::{Architecture, component_names, reserved_names};
use super::status::UNOBSERVED_GENERATION;
use super::validation::{component_name, schema_rules};
use maquette_contract::ArchitectureName;

/// The CustomResourceDefinition of Architecture, as `crds/architecture.yaml` has it.
pub fn crd() -> CustomResourceDefinition {
    let mut crd = Architecture::crd();
    for version in &mut crd.spec.versions {
        let schema = version.schema.as_mut().and_then(|schema| schema.open_api_v3_schema.as_mut());
        if let Some(schema) = schema {
            adapt_schema(schema, false);
            add_root_rules(schema);
            add_status_default(schema);
        }
    }
    crd
}

/// The schema of the field `spec` in [`crd`].
pub(super) fn spec_schema() -> Option<&'static JSONSchemaProps> {
    static SPEC: LazyLock<Option<JSONSchemaProps>> = LazyLock::new(|| {
        let version = crd().spec.versions.into_iter().next()?;
        version.schema?.open_api_v3_schema?.properties?.remove("spec")
    });
    SPEC.as_ref()
}

/// [`crd`] for a file. Kubernetes' type for schemas holds bounds as floating-point numbers, which
/// would be written `50.0`; this writes `50`.
#[derive(Clone, Copy, Debug)]
pub struct CrdFile;

impl Serialize for CrdFile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut value = serde_json::to_value(crd()).map_err(S::Error::custom)?;
        floats_to_integers(&mut value);
        value.serialize(serializer)
    }
}

fn floats_to_integers(value: &mut Value) {
    match value {
        Value::Object(members) => members.values_mut().for_each(floats_to_integers),
        Value::Array(items) => items.iter_mut().for_each(floats_to_integers),
        Value::Number(number) => {
            let whole = number.as_f64().filter(|float| number.is_f64() && float.fract() == 0.0);
            // Text is exact where a cast would round.
            let text = whole.map(|float| format!("{float:.0}"));
            if let Some(whole) = text.and_then(|text| text.parse::<i64>().ok()) {
                *value = whole.into();
            }
        }
        _ => {}
    }
}

/// Adds the rules on `metadata.name` and on the whole resource.
fn add_root_rules(schema: &mut JSONSchemaProps) {
    let string = JSONSchemaProps { type_: Some("string".to_owned()), ..Default::default() };
    let mut name_rules = schema_rules([component_name::syntax_rule()]);
    name_rules.extend(schema_rules(reserved_names::rules()));
    let name = JSONSchemaProps {
        max_length: i64::try_from(ArchitectureName::MAX).ok(),
        x_kubernetes_validations: Some(name_rules),
        ..string.clone()
    };
    let named = [("name".to_owned(), name), ("generateName".to_owned(), string)];
    let metadata = JSONSchemaProps {
        type_: Some("object".to_owned()),
        properties: Some(named.into()),
        ..Default::default()
    };
    schema.properties.get_or_insert_default().insert("metadata".to_owned(), metadata);
    schema.x_kubernetes_validations = Some(schema_rules(component_names::root_rules()));
}

/// Joins the lines of each paragraph of a doc comment.
fn unwrap_lines(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(|paragraph| paragraph.replace('\n', " "));
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

/// Adds the default to a field's description, because `kubectl explain` does not show defaults.
fn append_default(schema: &mut JSONSchemaProps) {
    let value = match schema.default.as_ref().map(|default| &default.0) {
        Some(Value::String(text)) => text.clone(),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
        _ => return,
    };
    if let Some(description) = &mut schema.description {
        *description = format!("{description} Default: {value}.");
    }
}

/// Sets the status of an Architecture that no operator has seen, as Flux' own kinds do: kstatus
/// takes an object without a status for ready.
fn add_status_default(schema: &mut JSONSchemaProps) {
    let status = schema.properties.as_mut().and_then(|members| members.get_mut("status"));
    if let Some(status) = status {
        status.default = Some(JSON(json!({"observedGeneration": UNOBSERVED_GENERATION})));
    }
}

/// Adapts a schema and all schemas below it to Kubernetes. `is_in_list`: it is below a list.
fn adapt_schema(schema: &mut JSONSchemaProps, is_in_list: bool) {
    // Without `nullable` the API server drops a null, so that `has` in CEL is false for it.
    schema.nullable = None;
    schema.description = schema.description.take().map(|text| unwrap_lines(&text));
    append_default(schema);
    // A JSON merge patch replaces a list as a whole: with a default below it, the object always
    // differs from the user's file. The code sets these defaults.
    if is_in_list {
        schema.default = None;
    }
    // Kubernetes has no formats of unsigned numbers.
    if schema.format.as_ref().is_some_and(|format| format.starts_with("uint")) {
        schema.format = None;
    }
    schema
        .properties
        .iter_mut()
        .flat_map(|properties| properties.values_mut())
        .for_each(|member| adapt_schema(member, is_in_list));
    match &mut schema.items {
        Some(JSONSchemaPropsOrArray::Schema(items)) => adapt_schema(items, true),
        Some(JSONSchemaPropsOrArray::Schemas(items)) => {
            items.iter_mut().for_each(|item| adapt_schema(item, true))
        }
        None => {}
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut schema.additional_properties {
        adapt_schema(values, is_in_list);
    }
}
