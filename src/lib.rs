//! Maquette: working models of distributed architectures on Kubernetes.

pub mod api;
pub mod cli;
pub mod evolve;
pub mod graph;
pub mod observe;
pub mod plan;
pub mod preview;
pub mod reconcile;
pub mod render;
pub mod rollout;
