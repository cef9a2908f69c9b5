//! `maquette crd`: prints the CustomResourceDefinition.

use super::Outcome;

/// Nothing to choose.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Prints the CustomResourceDefinition as YAML.
///
/// # Errors
/// When it cannot be written out.
pub(super) fn run(_args: &Args) -> Outcome {
    Err("this build has no custom resource".into())
}
