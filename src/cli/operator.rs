//! `maquette operator`: runs the operator.

use super::Outcome;

/// How the operator runs.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the operator until it is asked to stop.
///
/// # Errors
/// When there is no cluster to talk to.
pub(super) async fn run(_args: Args) -> Outcome {
    Err("this build has no operator".into())
}
