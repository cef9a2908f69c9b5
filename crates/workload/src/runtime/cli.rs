//! The flags of the `workload` command.

use clap::Parser;
use maquette_contract::{keys, ports};
use std::{net::IpAddr, path::PathBuf};

/// Paths, ports and the pod's name: all that is fixed while the process runs. The rest is in the
/// configuration, which can change.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "workload",
    version,
    about = "Runs one pod of a Maquette model: a service, a store, a peer or the load",
    long_about = None,
    after_long_help = "\
The configuration file names the role. It is read again when it changes. A new version that is not
valid is logged and counted in maquette_config_errors_total; the running one is unchanged.

On the admin port: /livez, /readyz (with the unmet conditions), /metrics, /observations.

SIGTERM or SIGINT: /readyz fails, the pod serves for 5 more seconds while traffic moves to other
pods, finishes the requests in flight and exits with 0. A second signal ends it at once.
Exit codes: 0 stopped by a signal, 1 failed, 2 wrong flags, 78 configuration not valid.

RUST_LOG sets the level of the JSON logs on stdout, for example RUST_LOG=debug."
)]
pub struct Options {
    /// The component's configuration, a JSON file.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// The directory for the items of a store or peer; other roles need none.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The name of this pod.
    #[arg(long, value_name = "NAME", env = keys::ENV_POD_NAME)]
    pub pod: String,
    /// The address to listen on.
    #[arg(long, value_name = "IP", default_value = "0.0.0.0")]
    pub listen_ip: IpAddr,
    /// The port for requests, HTTP. 0 takes a free port, for each of the ports.
    #[arg(long, value_name = "PORT", default_value_t = ports::TRAFFIC.number)]
    pub traffic_port: u16,
    /// The port of a peer for the components that migrate its items, HTTP.
    #[arg(long, value_name = "PORT", default_value_t = ports::INTERNAL.number)]
    pub internal_port: u16,
    /// The port of a store, RESP2.
    #[arg(long, value_name = "PORT", default_value_t = ports::STORE.number)]
    pub store_port: u16,
    /// The port of the protocol between peers, UDP and TCP.
    #[arg(long, value_name = "PORT", default_value_t = ports::PEERS.number)]
    pub peers_port: u16,
    /// The port for probes, metrics and observations, HTTP.
    #[arg(long, value_name = "PORT", default_value_t = ports::ADMIN.number)]
    pub admin_port: u16,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_flags_are_consistent() {
        Options::command().debug_assert();
    }

    #[test]
    fn only_the_configuration_and_the_pod_name_are_required() {
        let options =
            Options::parse_from(["workload", "--config", "component.json", "--pod", "web-1"]);
        assert_eq!((options.traffic_port, options.admin_port), (8080, 9100));
        assert_eq!(options.data, None);
    }
}
