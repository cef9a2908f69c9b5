//! The operator on a real API server: etcd, the API server and the controller manager alone, so no
//! container runs. Where a test needs pods, a fake kubelet reports for them.
//!
//! Every test has a namespace and an operator of its own, a process with exactly the permissions
//! of `manifests/install.yaml`. All share one control plane, which ends with the tests.

#![cfg(test)]

#[path = "../shared/promtool.rs"]
mod promtool;
mod support;

mod apply;
mod backoff;
mod broken_connections;
mod causes;
mod commands;
mod conflicts;
mod cost;
mod deleted_children;
mod deletion;
mod drift;
mod events;
mod evolution;
mod failed_calls;
mod gitops;
mod installations;
mod invalid;
mod leader;
mod names;
mod newer_version;
mod permissions;
mod quantities;
mod rbac;
mod ready;
mod request_count;
mod restart;
mod rollout;
mod scale;
mod shape_change;
mod storage;
mod volume_growth;
mod volumes;
