//! The operator on a real API server: etcd, the API server and the controller manager alone, so
//! nothing runs in a pod. Where a test is about what pods do, a kubelet of its own plays them.
//!
//! Every test has a namespace and an operator of its own, a process that may do exactly what
//! `manifests/install.yaml` grants it. All share one control plane, which ends with the tests.

#![cfg(test)]

#[path = "../shared/promtool.rs"]
mod promtool;
mod support;

mod apply;
mod commands;
mod conflicts;
mod deletion;
mod drift;
mod evolution;
mod failing;
mod growth;
mod leader;
mod losses;
mod many;
mod quantities;
mod quiet;
mod ready;
mod refusals;
mod restart;
mod rules;
mod shapes;
mod unreadable;
mod volumes;
