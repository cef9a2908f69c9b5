//! Maquette: working models of distributed architectures on Kubernetes.

pub mod api;
pub mod evolve;
pub mod observe;
pub mod plan;
