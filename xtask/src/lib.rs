//! The generated files of this repository.
//!
//! Owns their content, made from the sources of the operator: the types of the custom resource, the
//! names and ports of the contract. It never reads a cluster. The files are never edited by hand:
//! `make generate` writes them, and a test fails if they are out of date.

mod chart;
pub mod install;
mod yaml;

use std::path::{Path, PathBuf};
use std::{fs, io};

/// A generated file, not written yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// The path, relative to the root of the repository.
    pub path: PathBuf,
    /// The content, with a trailing newline.
    pub text: String,
}

/// A generated file cannot be serialized or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An object of the file cannot be written as YAML.
    #[error("cannot write {path} as YAML")]
    Yaml {
        /// The path of the file.
        path: PathBuf,
        /// The error of the serializer.
        source: serde_norway::Error,
    },
    /// The file cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// The path of the file.
        path: PathBuf,
        /// The error of the file system.
        source: io::Error,
    },
}

/// All generated files.
///
/// # Errors
/// If an object cannot be written as YAML.
pub fn generated_files() -> Result<Vec<Generated>, Error> {
    Ok(vec![
        Generated::new("crds/architecture.yaml", yaml::document(&maquette::api::CrdFile))?,
        Generated::new("manifests/install.yaml", install::install_yaml())?,
        Generated::new("charts/maquette/generated/crd.yaml", chart::crd_yaml())?,
        Generated::new("charts/maquette/generated/rules.yaml", chart::rules_yaml())?,
    ])
}

impl Generated {
    fn new(path: &str, text: Result<String, serde_norway::Error>) -> Result<Self, Error> {
        match text {
            Ok(text) => Ok(Self { path: path.into(), text }),
            Err(source) => Err(Error::Yaml { path: path.into(), source }),
        }
    }
}

/// Writes the generated files below `root` that are out of date, and returns their paths.
///
/// # Errors
/// If a file cannot be serialized or written.
pub fn write_generated(root: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut written = vec![];
    for Generated { path, text } in generated_files()? {
        let full = root.join(&path);
        if fs::read_to_string(&full).ok().as_ref() != Some(&text) {
            let folder = full.parent().unwrap_or(root);
            fs::create_dir_all(folder)
                .and_then(|()| fs::write(&full, text))
                .map_err(|source| Error::Write { path: path.clone(), source })?;
            written.push(path);
        }
    }
    Ok(written)
}
