//! Reads Architectures from a file or the standard input: YAML or JSON, one document or several.

use crate::api::Architecture;
use serde::Deserialize;
use serde_json::Value;
use std::{
    fmt, fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

/// A document of a file that was read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Document {
    /// Where it is, for messages.
    pub(super) place: Place,
    /// What it says.
    pub(super) value: Value,
}

/// Which document of which file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    file: String,
    number: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, document {}", self.file, self.number)
    }
}

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
    #[error("{place}: not YAML")]
    Yaml {
        /// Where.
        place: Place,
        /// With line and column.
        source: serde_norway::Error,
    },
    /// It holds nothing.
    #[error("{file}: no Architecture in it")]
    Empty {
        /// Which file.
        file: String,
    },
    /// It is something else.
    #[error(
        "{place}: {found} is not an Architecture: write apiVersion: {api_version}, kind: {kind}"
    )]
    OtherKind {
        /// Where.
        place: Place,
        /// What it is, as `apiVersion/kind`.
        found: String,
        /// What it should be.
        api_version: String,
        /// What it should be.
        kind: String,
    },
    /// A field has a value of the wrong type, or is missing.
    #[error("{place}: {field}")]
    Field {
        /// Where.
        place: Place,
        /// The path of the field, such as `spec.nTier.services[1].calls`.
        field: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

/// The documents of `path`, of the standard input if it is `-`; empty ones are left out, and each
/// item of a list is one.
///
/// # Errors
/// When the file cannot be read, is not YAML, or has no document.
pub(super) fn documents(path: &Path) -> Result<Vec<Document>, Error> {
    let (file, text) = text(path)?;
    let mut documents = vec![];
    for (index, document) in serde_norway::Deserializer::from_str(&text).enumerate() {
        let place = Place { file: file.clone(), number: index + 1 };
        match Value::deserialize(document) {
            Ok(Value::Null) => {}
            Ok(value) => flatten(&place, value, &mut documents),
            Err(source) => return Err(Error::Yaml { place, source }),
        }
    }
    if documents.is_empty() { Err(Error::Empty { file }) } else { Ok(documents) }
}

/// An object of a file that was read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Object {
    /// The file and what the object calls itself, for messages.
    pub(super) who: String,
    /// What it says.
    pub(super) value: Value,
}

impl Object {
    fn new(file: &Path, value: Value) -> Self {
        let file = if file == Path::new("-") { "stdin".into() } else { file.display().to_string() };
        let kind = value["kind"].as_str().unwrap_or("object");
        let who = format!("{file}: {kind}/{}", name(&value));
        Self { who, value }
    }

    /// Its name, or what that begins with if it is to be generated.
    pub(super) fn name(&self) -> &str {
        name(&self.value)
    }
}

fn name(value: &Value) -> &str {
    let metadata = &value["metadata"];
    metadata["name"].as_str().or(metadata["generateName"].as_str()).unwrap_or("?")
}

/// The objects of `path`.
///
/// # Errors
/// When the file cannot be read, is not YAML, or has no document.
pub(super) fn objects(path: &Path) -> Result<Vec<Object>, Error> {
    let documents = documents(path)?.into_iter();
    Ok(documents.map(|document| Object::new(path, document.value)).collect())
}

fn flatten(place: &Place, mut value: Value, documents: &mut Vec<Document>) {
    if value["kind"] != "List" {
        documents.push(Document { place: place.clone(), value });
    } else if let Some(items) = value["items"].as_array_mut() {
        std::mem::take(items).into_iter().for_each(|item| flatten(place, item, documents));
    }
}

/// The name of the file and what is in it.
fn text(path: &Path) -> Result<(String, String), Error> {
    let failed = |source| Error::Read { path: path.to_owned(), source };
    if path == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map_err(failed)?;
        Ok(("standard input".to_owned(), text))
    } else {
        Ok((path.display().to_string(), fs::read_to_string(path).map_err(failed)?))
    }
}

impl Document {
    /// The Architecture that the document says.
    ///
    /// # Errors
    /// When it is something else, or a field has a value of the wrong type.
    pub(super) fn architecture(&self) -> Result<Architecture, Error> {
        use kube::Resource;
        let text = |field: &str| self.value[field].as_str().unwrap_or("nothing").to_owned();
        let (api_version, kind) = (Architecture::api_version(&()), Architecture::kind(&()));
        if text("apiVersion") != api_version || text("kind") != kind {
            return Err(Error::OtherKind {
                place: self.place.clone(),
                found: format!("{}/{}", text("apiVersion"), text("kind")),
                api_version: api_version.into_owned(),
                kind: kind.into_owned(),
            });
        }
        serde_path_to_error::deserialize(&self.value).map_err(|error| Error::Field {
            place: self.place.clone(),
            field: error.path().to_string(),
            source: error.into_inner(),
        })
    }
}
