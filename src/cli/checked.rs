//! One Architecture of a file, checked as `maquette lint` checks it.

use super::input::{self, InputObject};
use crate::{
    api::{self, Architecture, ValidSpec, ValidationErrors},
    plan::{self, Identity, Topology},
};
use maquette_contract::ArchitectureName;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// An Architecture that is valid, and what it asks for.
#[derive(Clone, Debug)]
pub(super) struct CheckedArchitecture {
    /// What it is called, or what its name will begin with.
    pub(super) name: String,
    /// As it is written.
    pub(super) architecture: Architecture,
    /// As it is parsed.
    pub(super) spec: ValidSpec,
    /// As it is planned.
    pub(super) topology: Topology,
}

/// Why there is no Architecture to work on.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The file cannot be read.
    #[error(transparent)]
    Input(#[from] input::Error),
    /// There is no Architecture in it.
    #[error("{}: no Architecture in it", file.display())]
    NoArchitecture {
        /// Which file.
        file: PathBuf,
    },
    /// There is none of that name.
    #[error("{}: no Architecture {name:?} in it, but {found}", file.display())]
    NotFound {
        /// Which file.
        file: PathBuf,
        /// The name that was asked for.
        name: String,
        /// Those that are there.
        found: String,
    },
    /// There are several.
    #[error("{}: several Architectures in it: give the NAME of one: {found}", file.display())]
    Ambiguous {
        /// Which file.
        file: PathBuf,
        /// Those that are there.
        found: String,
    },
    /// It is not valid.
    #[error("not valid\n{}", problem_lines(who, problems))]
    Invalid {
        /// The file and the object.
        who: String,
        /// All that is wrong with it.
        problems: ValidationErrors,
    },
}

/// As `maquette lint` prints them.
fn problem_lines(who: &str, problems: &ValidationErrors) -> String {
    problems.iter().map(|problem| format!("{who}: {problem}")).collect::<Vec<_>>().join("\n")
}

/// The Architecture of `file`, the one called `name` if there are several. One that names no
/// namespace is in `namespace`.
///
/// # Errors
/// When the file cannot be read, or does not have just one, or it is not valid.
pub(super) fn read_one(
    file: &Path,
    name: Option<&str>,
    namespace: &str,
) -> Result<CheckedArchitecture, Error> {
    let mut objects = input::read_objects(file)?;
    objects.retain(|object| api::is_architecture(&object.value));
    let object = choose_object(&objects, file, name)?;
    check_object(object, namespace)
}

fn check_object(
    InputObject { label: who, value }: &InputObject,
    namespace: &str,
) -> Result<CheckedArchitecture, Error> {
    check_document(value, namespace)
        .map_err(|problems| Error::Invalid { who: who.clone(), problems })
}

/// All Architectures of `file`. Those that name no namespace are in `namespace`.
///
/// # Errors
/// When the file cannot be read, or has none, or one of them is not valid.
pub(super) fn read_all(file: &Path, namespace: &str) -> Result<Vec<CheckedArchitecture>, Error> {
    let objects = input::read_objects(file)?;
    let architectures = objects.iter().filter(|object| api::is_architecture(&object.value));
    let checked: Vec<_> =
        architectures.map(|object| check_object(object, namespace)).collect::<Result<_, _>>()?;
    if checked.is_empty() {
        Err(Error::NoArchitecture { file: file.to_owned() })
    } else {
        Ok(checked)
    }
}

fn choose_object<'a>(
    objects: &'a [InputObject],
    file: &Path,
    name: Option<&str>,
) -> Result<&'a InputObject, Error> {
    let file = file.to_owned();
    let found = || objects.iter().map(InputObject::name).collect::<Vec<_>>().join(", ");
    match (objects, name) {
        ([], _) => Err(Error::NoArchitecture { file }),
        ([one], None) => Ok(one),
        (_, None) => Err(Error::Ambiguous { file, found: found() }),
        (_, Some(name)) => {
            let named = objects.iter().find(|object| object.name() == name);
            named.ok_or_else(|| Error::NotFound { file, name: name.to_owned(), found: found() })
        }
    }
}

/// Parses and plans a document that is meant to be an Architecture.
///
/// # Errors
/// Everything that is wrong with it.
pub(super) fn check_document(
    document: &Value,
    namespace: &str,
) -> Result<CheckedArchitecture, ValidationErrors> {
    let (architecture, spec) = api::parse_document(document)?;
    let metadata = &architecture.metadata;
    let called = metadata.name.clone().or_else(|| metadata.generate_name.clone());
    let name = metadata.name.as_deref().and_then(|name| name.parse().ok());
    let name = name.unwrap_or_else(placeholder_name);
    let namespace = metadata.namespace.clone().unwrap_or_else(|| namespace.to_owned());
    // There is no cluster that could have given a UID.
    let topology = plan::plan(&spec, Identity { name, namespace, uid: String::new() })?;
    Ok(CheckedArchitecture { name: called.unwrap_or_default(), architecture, spec, topology })
}

/// The name of an Architecture whose own is yet to be generated: what is planned does not depend on
/// it.
#[expect(clippy::expect_used, reason = "a literal, which the tests parse")]
fn placeholder_name() -> ArchitectureName {
    "x".parse().expect("a name")
}
