//! The flags.

use clap::Parser;
use maquette_contract::{keys, ports};
use std::{net::IpAddr, path::PathBuf};

/// The flags of the `workload` command: where this pod finds and offers things. What it does is in
/// the configuration, which may change while it runs.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "workload",
    version,
    about = "Runs a pod of one component of a Maquette model: a service, a store, a peer or the load",
    long_about = None,
    after_long_help = "\
The configuration file names the role. It is read again whenever it changes; a broken new version
is logged, counted in the metric maquette_config_errors_total and not used.

On the admin port: /livez, /readyz (with what is missing), /metrics, /observations.

SIGTERM or SIGINT: the pod says that it is not ready, serves for 5 more seconds while callers go
elsewhere, finishes what is under way and exits with 0. A second signal ends it at once.
Exit codes: 0 stopped as asked, 1 failed, 2 bad flags, 78 bad configuration.

RUST_LOG sets the level of the JSON logs on stdout, as in RUST_LOG=debug."
)]
pub struct Options {
    /// The component's configuration, a JSON file.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Where a store or peer keeps its items; the others need none.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The name of this pod.
    #[arg(long, value_name = "NAME", env = keys::ENV_POD_NAME)]
    pub pod: String,
    /// The address to listen on.
    #[arg(long, value_name = "IP", default_value = "0.0.0.0")]
    pub listen_ip: IpAddr,
    /// The port for requests, HTTP. 0 takes any free one, here and below.
    #[arg(long, value_name = "PORT", default_value_t = ports::TRAFFIC.number)]
    pub traffic_port: u16,
    /// The port of a store, RESP2.
    #[arg(long, value_name = "PORT", default_value_t = ports::STORE.number)]
    pub store_port: u16,
    /// The port on which peers meet, UDP and TCP.
    #[arg(long, value_name = "PORT", default_value_t = ports::PEERS.number)]
    pub peers_port: u16,
    /// The port for probes, metrics and the report of the pod, HTTP.
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
    fn only_the_file_and_the_pods_name_must_be_given() {
        let options =
            Options::parse_from(["workload", "--config", "component.json", "--pod", "web-1"]);
        assert_eq!((options.traffic_port, options.admin_port), (8080, 9100));
        assert_eq!(options.data, None);
    }
}
