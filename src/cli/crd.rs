//! `maquette crd`: prints the CustomResourceDefinition.

use super::{Outcome, output};
use crate::api::CrdFile;

/// Nothing to choose.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Prints the CustomResourceDefinition as YAML.
///
/// # Errors
/// When it cannot be written out.
pub(super) fn run(_args: &Args) -> Outcome {
    output::documents(&[serde_json::to_value(CrdFile)?])
}
