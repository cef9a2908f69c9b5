//! `maquette crd`: prints the CustomResourceDefinition.

use super::{CommandResult, output};
use crate::api::CrdFile;

/// The command has no options of its own.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Prints the CustomResourceDefinition as YAML.
///
/// # Errors
/// When it cannot be serialized or written to the standard output.
pub(super) fn run(_args: &Args) -> CommandResult {
    output::print_documents(&[serde_json::to_value(CrdFile)?])
}
