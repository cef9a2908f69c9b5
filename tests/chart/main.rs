//! The Helm chart: it installs what `manifests/install.yaml` installs, and Helm installs, upgrades
//! and uninstalls it on a real API server.
//!
//! Needs `bin/helm` and `bin/maquette-dev-cluster`, which `make tools` builds.

#![cfg(test)]

mod helm;
mod release;
mod same_objects;
mod values;
