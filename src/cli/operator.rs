//! `maquette operator`: runs the operator.

use super::CommandResult;
use crate::{
    reconcile::{self, Options},
    render::RenderSettings,
};
use maquette_contract::ports::ADMIN;
use std::{
    collections::BTreeSet,
    error::Error,
    net::{Ipv4Addr, SocketAddr},
    process::ExitCode,
};
use tokio::signal::unix::{SignalKind, signal};

/// How the operator runs.
///
/// It talks to the cluster that it runs in, or else to the one that KUBECONFIG names.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Namespaces to work in, separated by commas; without it or if it is empty, all.
    ///
    /// A role in each of them is enough then; without it the operator needs a cluster role.
    #[arg(long, value_delimiter = ',', value_name = "NAMESPACE", env = "MAQUETTE_NAMESPACES")]
    namespaces: Vec<String>,
    /// Image of the workload, for Architectures that name none.
    #[arg(long, value_name = "IMAGE", env = "MAQUETTE_WORKLOAD_IMAGE",
          default_value_t = RenderSettings::default().image)]
    workload_image: String,
    /// How many Architectures are worked on at once.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    concurrency: u16,
    /// Whether to work only while holding the lease, so that several replicas can run.
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    leader_elect: bool,
    /// Namespace of the lease; without it, the operator's own.
    #[arg(long, value_name = "NAMESPACE")]
    lease_namespace: Option<String>,
    /// Where to serve /livez, /readyz and /metrics.
    #[arg(long, value_name = "ADDRESS:PORT",
          default_value_t = SocketAddr::from((Ipv4Addr::UNSPECIFIED, ADMIN.number)))]
    http_address: SocketAddr,
    /// Name of this replica in the lease and in Events, unlike all others'.
    #[arg(long, value_name = "NAME", env = "POD_NAME", default_value_t = random_instance())]
    instance: String,
}

/// A name for a replica that was given none.
fn random_instance() -> String {
    format!("maquette-{:08x}", rand::random::<u32>())
}

/// The namespaces that are named, each once: a variable that is set to nothing names none.
fn distinct_namespaces(named: &[String]) -> BTreeSet<String> {
    let trimmed = named.iter().map(|name| name.trim());
    trimmed.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Runs the operator until it is asked to stop.
///
/// # Errors
/// When there is no cluster to talk to, or when the operator cannot go on.
pub(super) async fn run(args: Args) -> CommandResult {
    let config = kube::Config::infer().await.map_err(no_cluster_error)?;
    let lease_namespace = args.lease_namespace.unwrap_or_else(|| config.default_namespace.clone());
    let options = Options {
        namespaces: distinct_namespaces(&args.namespaces),
        settings: RenderSettings { image: args.workload_image },
        concurrency: args.concurrency,
        http_address: args.http_address,
        lease_namespace: args.leader_elect.then_some(lease_namespace),
        instance: args.instance,
    };
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("asked to stop");
    };
    reconcile::run(config, options, stop).await?;
    Ok(ExitCode::SUCCESS)
}

fn no_cluster_error(error: kube::config::InferConfigError) -> Box<dyn Error + Send + Sync> {
    format!("no cluster to talk to: run in one, or set KUBECONFIG ({error})").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn no_namespace_is_all_and_each_is_worked_in_once() {
        let cases = [
            ("", &[] as &[&str]),
            (" ", &[]),
            (",", &[]),
            ("shop", &["shop"]),
            ("shop,lab", &["lab", "shop"]),
            (" shop, ,lab,shop,", &["lab", "shop"]),
        ];
        for (written, expected) in cases {
            let command = Command::parse_from(["operator", "--namespaces", written]);
            let found = distinct_namespaces(&command.args.namespaces);
            assert!(found.iter().eq(expected), "{written:?} names {found:?}");
        }
    }
}
