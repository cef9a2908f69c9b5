//! The models on a real cluster: everything here happens on real pods.
//!
//! Needs a cluster that `KUBECONFIG` names, with the operator installed; `make e2e` brings both.
//! Each test has a namespace of its own, which enforces the restricted Pod Security Standard, and
//! removes it. What a test says of requests is read from answers and from the pods' own reports,
//! through the API server's proxy: nothing here listens.

#![cfg(test)]

#[path = "../shared/promtool.rs"]
mod promtool;
mod support;

mod clients;
mod deletion;
mod evolution;
mod operator_killed;
mod peers;
mod readiness;
mod service_pods;
mod shapes;
mod stores;
