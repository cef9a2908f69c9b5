//! `maquette operator`: runs the operator.

use super::Outcome;
use crate::{
    reconcile::{self, Options},
    render::RenderSettings,
};
use std::process::ExitCode;

/// How the operator runs.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Namespaces to work in, separated by commas; without it, all.
    #[arg(long, value_delimiter = ',', value_name = "NAMESPACE", env = "MAQUETTE_NAMESPACES")]
    namespaces: Vec<String>,
    /// Image of the workload, for Architectures that name none.
    #[arg(long, value_name = "IMAGE", env = "MAQUETTE_WORKLOAD_IMAGE")]
    workload_image: Option<String>,
    /// How many Architectures are worked on at once.
    #[arg(long, value_name = "N", default_value_t = 8)]
    concurrency: u16,
}

/// Runs the operator until it is asked to stop.
///
/// # Errors
/// When there is no cluster to talk to.
pub(super) async fn run(args: Args) -> Outcome {
    let client = kube::Client::try_default().await?;
    let default = RenderSettings::default();
    let settings = RenderSettings { image: args.workload_image.unwrap_or(default.image) };
    let options = Options {
        namespaces: args.namespaces,
        settings,
        concurrency: args.concurrency,
        instance: "maquette".to_owned(),
    };
    reconcile::run(client, options).await;
    Ok(ExitCode::FAILURE)
}
