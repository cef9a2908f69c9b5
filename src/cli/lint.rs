//! `maquette lint`: names every problem of Architectures.

use super::Outcome;

/// What to check.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Prints all problems by field path.
///
/// # Errors
/// When a file cannot be read or is not YAML.
pub(super) fn run(_args: &Args) -> Outcome {
    Err("this build cannot lint".into())
}
