//! The CustomResourceDefinition.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::CustomResourceExt;
use serde::{Serialize, Serializer, ser::Error};
use serde_json::Value;
use std::sync::LazyLock;

use super::name::NAME;
use super::names;
use super::rule;
use super::spec::Architecture;
use maquette_contract::ArchitectureName;

/// The CustomResourceDefinition of Architecture, as `crds/architecture.yaml` has it.
pub fn crd() -> CustomResourceDefinition {
    let mut crd = Architecture::crd();
    for version in &mut crd.spec.versions {
        let schema = version.schema.as_mut().and_then(|schema| schema.open_api_v3_schema.as_mut());
        if let Some(schema) = schema {
            strip_unsupported(schema);
            add_root_rules(schema);
        }
    }
    crd
}

/// The schema of the spec.
pub(super) fn spec_schema() -> Option<&'static JSONSchemaProps> {
    static SPEC: LazyLock<Option<JSONSchemaProps>> = LazyLock::new(|| {
        let version = crd().spec.versions.into_iter().next()?;
        version.schema?.open_api_v3_schema?.properties?.remove("spec")
    });
    SPEC.as_ref()
}

/// [`crd`] as a file has it: numbers without a fraction are whole. Kubernetes' type for schemas
/// holds bounds as floating-point numbers, which would be written `50.0`.
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
            // Exact: the text of such a number ends in `.0`.
            let text = whole.map(|float| format!("{float:.0}"));
            if let Some(whole) = text.and_then(|text| text.parse::<i64>().ok()) {
                *value = whole.into();
            }
        }
        _ => {}
    }
}

/// Adds what is said of the whole resource: how its name may be, and the rules that need it.
fn add_root_rules(schema: &mut JSONSchemaProps) {
    let text = || JSONSchemaProps { type_: Some("string".to_owned()), ..Default::default() };
    let name = JSONSchemaProps {
        max_length: i64::try_from(ArchitectureName::MAX).ok(),
        x_kubernetes_validations: Some(rule::schema(&[NAME])),
        ..text()
    };
    let named = [("name".to_owned(), name), ("generateName".to_owned(), text())];
    let metadata = JSONSchemaProps {
        type_: Some("object".to_owned()),
        properties: Some(named.into()),
        ..Default::default()
    };
    schema.properties.get_or_insert_default().insert("metadata".to_owned(), metadata);
    schema.x_kubernetes_validations = Some(rule::schema(&names::ROOT));
}

/// A comment's text with the line breaks that only its source needed taken out.
fn unwrap_lines(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(|paragraph| paragraph.replace('\n', " "));
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

/// Says a field's default in its description: `kubectl explain` shows no other.
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

/// Takes from a schema and all below it what Kubernetes has no use for: a field that may be left
/// out need not be nullable (the API server drops a null then, and CEL's `has` stays simple), and
/// formats of unsigned numbers are unknown to it.
fn strip_unsupported(schema: &mut JSONSchemaProps) {
    schema.nullable = None;
    schema.description = schema.description.take().map(|text| unwrap_lines(&text));
    append_default(schema);
    if schema.format.as_ref().is_some_and(|format| format.starts_with("uint")) {
        schema.format = None;
    }
    schema
        .properties
        .iter_mut()
        .flat_map(|properties| properties.values_mut())
        .for_each(strip_unsupported);
    match &mut schema.items {
        Some(JSONSchemaPropsOrArray::Schema(items)) => strip_unsupported(items),
        Some(JSONSchemaPropsOrArray::Schemas(items)) => {
            items.iter_mut().for_each(strip_unsupported)
        }
        None => {}
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut schema.additional_properties {
        strip_unsupported(values);
    }
}
