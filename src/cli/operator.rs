//! `maquette operator`: runs the operator.

use super::CommandResult;
use crate::{
    reconcile::{self, LeaseName, Options},
    render::RenderSettings,
};
use anyhow::Context;
use maquette_contract::{keys::MANAGER, ports::ADMIN};
use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, SocketAddr},
    process::ExitCode,
};
use tokio::signal::unix::{SignalKind, signal};

/// How the operator runs; see also [`Options`].
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Namespaces whose Architectures the operator builds, separated by commas; all if it is not
    /// given or empty.
    ///
    /// With namespaces, a Role in each of them is enough; without, the operator needs a
    /// ClusterRole.
    #[arg(long, value_delimiter = ',', value_name = "NAMESPACE", env = "MAQUETTE_NAMESPACES")]
    namespaces: Vec<String>,
    /// Image of the workload, for Architectures that name none.
    #[arg(long, value_name = "IMAGE", env = "MAQUETTE_WORKLOAD_IMAGE",
          default_value_t = RenderSettings::default().image)]
    workload_image: String,
    /// How many Architectures are reconciled at the same time.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    concurrency: u16,
    /// How many Architectures change the image or other settings of their pods at the same time, as
    /// after an upgrade of the operator. Those that are stopped by a pod that cannot start do not
    /// count.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    max_concurrent_rollouts: u16,
    /// Whether to reconcile only while holding the lease, so that several replicas can run.
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    leader_elect: bool,
    /// Namespace of the lease; without it, the operator's own.
    #[arg(long, value_name = "NAMESPACE")]
    lease_namespace: Option<String>,
    /// Name of the lease. Each installation in a namespace needs its own.
    ///
    /// The namespace and name of the lease also name the installation: in the status of the
    /// Architectures that it builds, and in the annotation maquette.dev/operator, which gives an
    /// Architecture to one of several installations.
    #[arg(long, value_name = "NAME", env = "MAQUETTE_LEASE_NAME", default_value = MANAGER)]
    lease_name: String,
    /// Where to serve /livez, /readyz and /metrics.
    #[arg(long, value_name = "ADDRESS:PORT",
          default_value_t = SocketAddr::from((Ipv4Addr::UNSPECIFIED, ADMIN.number)))]
    http_address: SocketAddr,
    /// Name of this replica in the lease and in Events; it must be unique.
    #[arg(long, value_name = "NAME", env = "POD_NAME", default_value_t = random_instance())]
    instance: String,
}

fn random_instance() -> String {
    format!("maquette-{:08x}", rand::random::<u32>())
}

/// The namespaces, each once. An environment variable that is set to an empty text names none.
fn distinct_namespaces(named: &[String]) -> BTreeSet<String> {
    let trimmed = named.iter().map(|name| name.trim());
    trimmed.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Runs the operator until SIGINT or SIGTERM.
///
/// # Errors
/// When no cluster is configured, or when the operator cannot continue.
pub(super) async fn run(args: Args) -> CommandResult {
    let config = kube::Config::infer()
        .await
        .context("no cluster is configured: run in a pod, or set KUBECONFIG")?;
    let namespace = args.lease_namespace.unwrap_or_else(|| config.default_namespace.clone());
    let lease = LeaseName { namespace, name: args.lease_name };
    let options = Options {
        namespaces: distinct_namespaces(&args.namespaces),
        settings: RenderSettings { image: args.workload_image },
        concurrency: args.concurrency,
        max_concurrent_rollouts: args.max_concurrent_rollouts,
        http_address: args.http_address,
        lease: args.leader_elect.then_some(lease),
        instance: args.instance,
    };
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping: received SIGINT or SIGTERM");
    };
    reconcile::run(config, options, stop).await?;
    Ok(ExitCode::SUCCESS)
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
    fn namespaces_are_trimmed_and_distinct() {
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
            let distinct = distinct_namespaces(&command.args.namespaces);
            assert!(distinct.iter().eq(expected), "{written:?} names {distinct:?}");
        }
    }
}
