//! Reads Architectures from a file or the standard input: YAML or JSON, one document or several.

use serde::Deserialize;
use serde_json::Value;
use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

/// Why there is no Architecture to work on.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is not YAML.
    #[error("{file}, document {number}: not YAML")]
    Yaml {
        /// Which file.
        file: String,
        /// Which of its documents.
        number: usize,
        /// With line and column.
        source: serde_norway::Error,
    },
    /// It holds nothing.
    #[error("{file}: no Architecture in it")]
    Empty {
        /// Which file.
        file: String,
    },
}

/// An object of a file that was read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct InputObject {
    /// The file and what the object calls itself, for messages.
    pub(super) label: String,
    /// What it says.
    pub(super) value: Value,
}

impl InputObject {
    fn new(file: &Path, value: Value) -> Self {
        let file = if file == Path::new("-") { "stdin".into() } else { file.display().to_string() };
        let kind = value["kind"].as_str().unwrap_or("object");
        let label = format!("{file}: {kind}/{}", metadata_name(&value));
        Self { label, value }
    }

    /// Its name, or what that begins with if it is to be generated.
    pub(super) fn name(&self) -> &str {
        metadata_name(&self.value)
    }
}

fn metadata_name(value: &Value) -> &str {
    let metadata = &value["metadata"];
    metadata["name"].as_str().or(metadata["generateName"].as_str()).unwrap_or("?")
}

/// The objects of `path`, of the standard input if it is `-`; empty documents are left out, and each
/// item of a list is an object.
///
/// # Errors
/// When the file cannot be read, is not YAML, or has no object.
pub(super) fn read_objects(path: &Path) -> Result<Vec<InputObject>, Error> {
    let (file, text) = read_text(path)?;
    let mut objects = vec![];
    for (index, document) in serde_norway::Deserializer::from_str(&text).enumerate() {
        let value = Value::deserialize(document).map_err(|source| Error::Yaml {
            file: file.clone(),
            number: index + 1,
            source,
        })?;
        flatten_lists(path, value, &mut objects);
    }
    if objects.is_empty() { Err(Error::Empty { file }) } else { Ok(objects) }
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

/// The name of the file and what is in it.
fn read_text(path: &Path) -> Result<(String, String), Error> {
    let failed = |source| Error::Read { path: path.to_owned(), source };
    if path == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map_err(failed)?;
        Ok(("standard input".to_owned(), text))
    } else {
        Ok((path.display().to_string(), fs::read_to_string(path).map_err(failed)?))
    }
}
