//! An Architecture as it stands in a file, before any API server has seen it.

use kube::Resource;
use serde_json::Value;

use super::error_list::{At, Findings, ValidationErrors};
use super::schema;
use super::schema_check;
use super::spec::{Architecture, ValidSpec};

/// True if a document of this `apiVersion` and `kind` is meant to be an Architecture, of whatever
/// version.
pub fn is_architecture(document: &Value) -> bool {
    let group = document["apiVersion"].as_str().and_then(|version| version.split('/').next());
    document["kind"].as_str() == Some(&Architecture::kind(&()))
        && group == Some(&Architecture::group(&()))
}

/// Parses a document that is meant to be an Architecture, as the API server would: against the
/// schema, and then by the rules.
///
/// # Errors
/// Everything that is wrong with it.
pub fn parse_document(document: &Value) -> Result<(Architecture, ValidSpec), ValidationErrors> {
    let mut document = document.clone();
    schema_check::remove_nulls(&mut document);
    let mut findings = Findings::default();
    check_head(&document, &mut findings);
    if let Some(schema) = schema::spec_schema() {
        let empty = Value::Object(serde_json::Map::new());
        let spec = document.get("spec").unwrap_or(&empty);
        schema_check::check_value(spec, schema, &At::root().field("spec"), &mut findings);
    }
    let architecture = match serde_json::from_value::<Architecture>(document) {
        Ok(architecture) => architecture,
        Err(error) if findings.is_empty() => {
            findings.add(&At::root(), None, error.to_string());
            return findings.into_result(None);
        }
        Err(_) => return findings.into_result(None),
    };
    let valid = match architecture.spec.validate(&name_or_placeholder(&architecture)) {
        Ok(valid) => Some((architecture, valid)),
        Err(problems) => {
            findings.merge(problems);
            None
        }
    };
    findings.into_result(valid)
}

fn check_head(document: &Value, findings: &mut Findings) {
    let version = Architecture::api_version(&());
    let at = At::root().field("apiVersion");
    if document["apiVersion"].as_str() != Some(&version) {
        findings.add(&at, Some(document["apiVersion"].to_string()), format!("write {version}"));
    }
    let metadata = &document["metadata"];
    if metadata["name"].as_str().or(metadata["generateName"].as_str()).is_none() {
        let at = At::root().field("metadata").field("name");
        findings.add(&at, None, "Required value: give the Architecture a name");
    }
    let known = ["apiVersion", "kind", "metadata", "spec", "status"];
    let members = document.as_object().into_iter().flatten();
    for (name, _) in members.filter(|(name, _)| !known.contains(&name.as_str())) {
        findings.add(&At::root().field(name), None, "unknown field: drop it");
    }
}

/// The name; of one that is to be generated, what it will look like.
fn name_or_placeholder(architecture: &Architecture) -> String {
    let meta = &architecture.metadata;
    let generated = || meta.generate_name.as_ref().map(|prefix| format!("{prefix}xxxxx"));
    // One without any name is reported as such; any good one serves to check the rest.
    meta.name.clone().or_else(generated).unwrap_or_else(|| "x".to_owned())
}
