//! `maquette crd`: prints the CustomResourceDefinition.

use super::{CommandResult, output};
use crate::api::CrdFile;

/// Nothing to choose.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Prints the CustomResourceDefinition as YAML.
///
/// # Errors
/// When it cannot be written out.
pub(super) fn run(_args: &Args) -> CommandResult {
    output::print_documents(&[serde_json::to_value(CrdFile)?])
}
