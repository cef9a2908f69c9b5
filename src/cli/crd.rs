//! `maquette crd`: prints the CustomResourceDefinition.

use super::Outcome;
use std::io::Write;
use std::process::ExitCode;

/// Nothing to choose.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Prints the CustomResourceDefinition as YAML.
///
/// # Errors
/// When it cannot be written out.
pub(super) fn run(_args: &Args) -> Outcome {
    let yaml = serde_norway::to_string(&crate::api::CrdFile)?;
    std::io::stdout().write_all(yaml.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
