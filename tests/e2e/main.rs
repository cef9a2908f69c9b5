//! The models on a real cluster, with real pods.
//!
//! Needs a cluster that `KUBECONFIG` names, with the operator installed; `make e2e` brings both.
//! Each test has a namespace of its own, which enforces the restricted Pod Security Standard, and
//! removes it. Requests and the pods' reports go through the API server's proxy: the tests open no
//! port.

#![cfg(test)]

#[path = "../shared/promtool.rs"]
mod promtool;
mod support;

mod causes;
mod clients;
mod deletion;
mod disruptive;
mod evolution;
mod peers;
mod readiness;
mod service_pods;
mod shapes;
mod stores;
