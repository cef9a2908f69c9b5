//! The generated files of this repository.
//!
//! Owns what each of them holds, made from the same sources as the operator itself: the custom
//! resource's types, the names and ports of the contract. It never reads a cluster, and nothing
//! that it makes is edited by hand: `make generate` writes the files, a test compares them.

mod chart;
pub mod install;
mod yaml;

use std::path::{Path, PathBuf};
use std::{fs, io};

/// A generated file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// Where it is, from the root of the repository.
    pub path: PathBuf,
    /// The whole of it.
    pub text: String,
}

/// Why the generated files could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An object could not be written as YAML.
    #[error("cannot write {path} as YAML")]
    Yaml {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_norway::Error,
    },
    /// A file could not be written.
    #[error("cannot write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: io::Error,
    },
}

/// Every generated file.
///
/// # Errors
/// When one cannot be written as YAML.
pub fn generated_files() -> Result<Vec<Generated>, Error> {
    let file = |path: &str, text: Result<String, serde_norway::Error>| {
        let path = PathBuf::from(path);
        match text {
            Ok(text) => Ok(Generated { path, text }),
            Err(source) => Err(Error::Yaml { path, source }),
        }
    };
    Ok(vec![
        file("crds/architecture.yaml", yaml::document(&maquette::api::CrdFile))?,
        file("manifests/install.yaml", install::install_yaml())?,
        file("charts/maquette/generated/crd.yaml", chart::crd_yaml())?,
        file("charts/maquette/generated/rules.yaml", chart::rules_yaml())?,
    ])
}

/// Writes every generated file that differs below `root`, and returns their paths.
///
/// # Errors
/// When a file cannot be made or written.
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
