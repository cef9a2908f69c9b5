//! Architectures in files, for use without an API server.
//!
//! Owns the order of the checks: the schema first, then the rules, as in the API server. It never
//! reads a file: that is `cli`'s.

use kube::Resource;
use serde_json::Value;

use super::schema;
use super::spec::{Architecture, ValidSpec};
use super::validation::{ErrorList, FieldPath, ValidationErrors, schema_check};

/// True if `apiVersion` (of any version) and `kind` of the document are those of an Architecture.
pub fn is_architecture(document: &Value) -> bool {
    let group = document["apiVersion"].as_str().and_then(|version| version.split('/').next());
    document["kind"].as_str() == Some(&Architecture::kind(&()))
        && group == Some(&Architecture::group(&()))
}

/// Parses an Architecture and checks it as the API server would, with the same messages.
///
/// # Errors
/// All invalid fields.
pub fn parse_document(document: &Value) -> Result<(Architecture, ValidSpec), ValidationErrors> {
    let mut pruned = document.clone();
    schema_check::remove_nulls(&mut pruned);
    let mut errors = ErrorList::default();
    check_head(&pruned, &mut errors);
    if let Some(schema) = schema::spec_schema() {
        let empty = Value::Object(serde_json::Map::new());
        let spec = pruned.get("spec").unwrap_or(&empty);
        schema_check::check_value(spec, schema, &FieldPath::root().field("spec"), &mut errors);
    }
    let architecture = match serde_json::from_value::<Architecture>(pruned) {
        Ok(architecture) => architecture,
        Err(error) if errors.is_empty() => {
            errors.add(&FieldPath::root(), None, error.to_string());
            return errors.into_result(None);
        }
        // The schema's errors say the same with the path.
        Err(_) => return errors.into_result(None),
    };
    let valid = match architecture.spec.validate(&name_or_placeholder(&architecture)) {
        Ok(valid) => Some((architecture, valid)),
        Err(invalid) => {
            errors.merge(invalid);
            None
        }
    };
    errors.into_result(valid)
}

/// Checks everything but the spec.
fn check_head(document: &Value, errors: &mut ErrorList) {
    let root = FieldPath::root();
    let version = Architecture::api_version(&());
    let actual = &document["apiVersion"];
    if actual.as_str() != Some(&version) {
        let message = format!("use {version}");
        errors.add(&root.field("apiVersion"), Some(actual.to_string()), message);
    }
    let metadata = &document["metadata"];
    if metadata["name"].as_str().or(metadata["generateName"].as_str()).is_none() {
        let path = root.field("metadata").field("name");
        errors.add(&path, None, "Required value: set the name of the Architecture");
    }
    let known = ["apiVersion", "kind", "metadata", "spec", "status"];
    let members = document.as_object().into_iter().flatten();
    for (name, _) in members.filter(|(name, _)| !known.contains(&name.as_str())) {
        errors.add(&root.field(name), None, schema_check::unknown_field(name, known));
    }
}

/// `metadata.name`, or a name like the one that the API server generates.
fn name_or_placeholder(architecture: &Architecture) -> String {
    let meta = &architecture.metadata;
    match (&meta.name, &meta.generate_name) {
        (Some(name), _) => name.clone(),
        (None, Some(prefix)) => format!("{prefix}xxxxx"),
        // A missing name is an error of its own; with any valid name, the spec can be checked too.
        (None, None) => "x".to_owned(),
    }
}
