//! The CustomResourceDefinition.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::CustomResourceExt;

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
            plain(schema);
            whole(schema);
        }
    }
    crd
}

/// The schema of the spec.
pub(super) fn spec() -> Option<JSONSchemaProps> {
    let version = crd().spec.versions.into_iter().next()?;
    version.schema?.open_api_v3_schema?.properties?.remove("spec")
}

/// Adds what is said of the whole resource: how its name may be, and the rules that need it.
fn whole(schema: &mut JSONSchemaProps) {
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
fn unwrapped(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(|paragraph| paragraph.replace('\n', " "));
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

/// Takes from a schema and all below it what Kubernetes has no use for: a field that may be left
/// out need not be nullable (the API server drops a null then, and CEL's `has` stays simple), and
/// formats of unsigned numbers are unknown to it.
fn plain(schema: &mut JSONSchemaProps) {
    schema.nullable = None;
    schema.description = schema.description.take().map(|text| unwrapped(&text));
    if schema.format.as_ref().is_some_and(|format| format.starts_with("uint")) {
        schema.format = None;
    }
    schema.properties.iter_mut().flat_map(|properties| properties.values_mut()).for_each(plain);
    match &mut schema.items {
        Some(JSONSchemaPropsOrArray::Schema(items)) => plain(items),
        Some(JSONSchemaPropsOrArray::Schemas(items)) => items.iter_mut().for_each(plain),
        None => {}
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut schema.additional_properties {
        plain(values);
    }
}
