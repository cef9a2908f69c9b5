//! Maquette: working models of distributed architectures on Kubernetes.

pub mod api;
pub mod cli;
pub mod plan;
pub mod render;
