//! The order in which components get new pods.

use crate::plan::{Component, EdgeKind, Topology};
use maquette_contract::{ComponentName, Role};
use std::collections::BTreeSet;

/// The components of `topology`: services, callees first, then stores, then peers, the load last.
///
/// A Deployment starts a new pod beside the old ones, so services come first: they prove the image
/// before a pod is replaced that has no other beside it.
pub fn rollout_order(topology: &Topology) -> Vec<&Component> {
    callees_first(with_role(topology, Role::Service).collect())
        .into_iter()
        .chain(with_role(topology, Role::Store))
        .chain(with_role(topology, Role::Peer))
        .chain(with_role(topology, Role::Load))
        .collect()
}

fn with_role(topology: &Topology, role: Role) -> impl Iterator<Item = &Component> {
    topology.components().filter(move |component| component.role() == role)
}

fn callees_first(mut services: Vec<&Component>) -> Vec<&Component> {
    let mut ordered = vec![];
    while !services.is_empty() {
        let waiting: BTreeSet<_> = services.iter().map(|service| &service.name).collect();
        let (callers, next): (Vec<_>, Vec<_>) =
            services.iter().partition(|service| calls_any(service, &waiting));
        // Routes that only a change of shape needs may make a cycle: their order does not matter.
        if next.is_empty() {
            return ordered.into_iter().chain(callers).collect();
        }
        ordered.extend(next);
        services = callers;
    }
    ordered
}

fn calls_any(service: &Component, names: &BTreeSet<&ComponentName>) -> bool {
    let edges = service.edges().into_iter();
    let mut calls = edges.filter(|edge| edge.kind == EdgeKind::Calls);
    calls.any(|call| names.contains(&call.to))
}
