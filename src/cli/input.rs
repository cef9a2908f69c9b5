//! Reads Kubernetes objects from a file or the standard input: YAML or JSON, one document or
//! several. It never checks the content of an object.

use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::Value;
use std::{fs, io, path::Path};

/// One object of a file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct InputObject {
    /// Names the object in messages: `FILE: KIND/NAME`.
    pub(super) label: String,
    /// The object as it is written.
    pub(super) value: Value,
}

impl InputObject {
    fn new(file: &Path, value: Value) -> Self {
        let file = if file == Path::new("-") { "stdin".into() } else { file.display().to_string() };
        let kind = value["kind"].as_str().unwrap_or("object");
        let label = format!("{file}: {kind}/{}", metadata_name(&value));
        Self { label, value }
    }

    /// `metadata.name`, or else `metadata.generateName`, or else `?`.
    pub(super) fn name(&self) -> &str {
        metadata_name(&self.value)
    }
}

fn metadata_name(value: &Value) -> &str {
    let metadata = &value["metadata"];
    metadata["name"].as_str().or(metadata["generateName"].as_str()).unwrap_or("?")
}

/// The objects of `path`, or of the standard input if it is `-`. Empty documents are skipped, and
/// each item of a `List` is an object.
///
/// # Errors
/// When the file cannot be read, is not YAML, or has no object.
pub(super) fn read_objects(path: &Path) -> anyhow::Result<Vec<InputObject>> {
    let (file, text) = read_text(path)?;
    let mut objects = vec![];
    for (index, document) in serde_norway::Deserializer::from_str(&text).enumerate() {
        let value = Value::deserialize(document)
            .with_context(|| format!("{file}, document {}: not YAML", index + 1))?;
        flatten_lists(path, value, &mut objects);
    }
    ensure!(!objects.is_empty(), "{file}: no Architecture in it");
    Ok(objects)
}

fn flatten_lists(path: &Path, mut value: Value, objects: &mut Vec<InputObject>) {
    if value.is_null() {
        return;
    }
    if value["kind"] != "List" {
        objects.push(InputObject::new(path, value));
    } else if let Some(items) = value["items"].as_array_mut() {
        std::mem::take(items).into_iter().for_each(|item| flatten_lists(path, item, objects));
    }
}

/// The name of the file for messages, and its text.
fn read_text(path: &Path) -> anyhow::Result<(String, String)> {
    let (name, text) = if path == Path::new("-") {
        ("standard input".to_owned(), io::read_to_string(io::stdin()))
    } else {
        (path.display().to_string(), fs::read_to_string(path))
    };
    Ok((name, text.with_context(|| format!("cannot read {}", path.display()))?))
}
