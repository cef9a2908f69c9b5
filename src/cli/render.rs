//! `maquette render`: prints the objects that Architectures become.

use super::Outcome;

/// What to render.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Prints the objects as YAML documents.
///
/// # Errors
/// When a file cannot be read, is not an Architecture, or is one that cannot be planned.
pub(super) fn run(_args: &Args) -> Outcome {
    Err("this build cannot render".into())
}
