//! `observe` and `evolve` together: a model is planned and rendered, and its objects and pods are
//! read as from a cluster.

#![cfg(test)]

#[path = "../shared/edges.rs"]
mod edges;
#[path = "../shared/specs.rs"]
mod specs;

mod backends;
mod cluster;
mod dead_nodes;
mod peers;
mod progress;
mod read_back;
mod rollout;
mod simulation;
mod status;
mod steps;
