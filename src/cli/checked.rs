//! Architectures of a file, checked as `maquette lint` checks them, and planned.

use super::input::{self, InputObject};
use crate::{
    api::{self, Architecture, ValidSpec, ValidationErrors},
    plan::{self, Identity, Topology},
};
use anyhow::{anyhow, bail};
use maquette_contract::ArchitectureName;
use serde_json::Value;
use std::path::Path;

/// A valid Architecture and its plan.
#[derive(Clone, Debug)]
pub(super) struct CheckedArchitecture {
    /// `metadata.name`, or else `metadata.generateName`.
    pub(super) name: String,
    /// As it is written.
    pub(super) architecture: Architecture,
    pub(super) spec: ValidSpec,
    pub(super) topology: Topology,
}

/// The Architecture of `file`, the one called `name` if there are several. One that names no
/// namespace is in `namespace`.
///
/// # Errors
/// When the file cannot be read, when it is not clear which Architecture is meant, or when that one
/// is not valid.
pub(super) fn read_one(
    file: &Path,
    name: Option<&str>,
    namespace: &str,
) -> anyhow::Result<CheckedArchitecture> {
    let mut objects = input::read_objects(file)?;
    objects.retain(|object| api::is_architecture(&object.value));
    check_object(choose_object(&objects, file, name)?, namespace)
}

/// All Architectures of `file`. Those that name no namespace are in `namespace`.
///
/// # Errors
/// When the file cannot be read, when it has no Architecture, or when one of them is not valid.
pub(super) fn read_all(file: &Path, namespace: &str) -> anyhow::Result<Vec<CheckedArchitecture>> {
    let objects = input::read_objects(file)?;
    let checked: Vec<_> = objects
        .iter()
        .filter(|object| api::is_architecture(&object.value))
        .map(|object| check_object(object, namespace))
        .collect::<Result<_, _>>()?;
    if checked.is_empty() { Err(no_architecture_error(file)) } else { Ok(checked) }
}

fn choose_object<'a>(
    objects: &'a [InputObject],
    file: &Path,
    name: Option<&str>,
) -> anyhow::Result<&'a InputObject> {
    let names = objects.iter().map(InputObject::name).collect::<Vec<_>>().join(", ");
    let path = file.display();
    match (objects, name) {
        ([], _) => Err(no_architecture_error(file)),
        ([one], None) => Ok(one),
        (_, None) => bail!("{path}: several Architectures in it: give the NAME of one: {names}"),
        (_, Some(name)) => objects
            .iter()
            .find(|object| object.name() == name)
            .ok_or_else(|| anyhow!("{path}: no Architecture {name:?} in it, but {names}")),
    }
}

fn no_architecture_error(file: &Path) -> anyhow::Error {
    anyhow!("{}: no Architecture in it", file.display())
}

fn check_object(
    InputObject { label, value }: &InputObject,
    namespace: &str,
) -> anyhow::Result<CheckedArchitecture> {
    check_document(value, namespace).map_err(|problems| {
        // The same lines as `maquette lint` prints.
        let lines: Vec<_> = problems.iter().map(|problem| format!("{label}: {problem}")).collect();
        anyhow!("not valid\n{}", lines.join("\n"))
    })
}

/// Parses and plans a document that should be an Architecture.
///
/// # Errors
/// Every problem of the document.
pub(super) fn check_document(
    document: &Value,
    namespace: &str,
) -> Result<CheckedArchitecture, ValidationErrors> {
    let (architecture, spec) = api::parse_document(document)?;
    let metadata = &architecture.metadata;
    let identity = Identity {
        name: metadata
            .name
            .as_deref()
            .and_then(|name| name.parse().ok())
            .unwrap_or_else(placeholder_name),
        namespace: metadata.namespace.clone().unwrap_or_else(|| namespace.to_owned()),
        // Only a cluster gives a UID.
        uid: String::new(),
    };
    let topology = plan::plan(&spec, identity)?;
    let name = metadata.name.clone().or_else(|| metadata.generate_name.clone());
    Ok(CheckedArchitecture { name: name.unwrap_or_default(), architecture, spec, topology })
}

/// Stands for a name that the cluster has yet to generate. What is planned does not depend on it.
#[expect(clippy::expect_used, reason = "a literal, which the tests parse")]
fn placeholder_name() -> ArchitectureName {
    "x".parse().expect("a name")
}
