//! PodDisruptionBudgets: a drained machine takes one pod of a node at a time.

use super::{metadata, names};
use crate::plan::{Node, Topology};
use k8s_openapi::{
    api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec},
    apimachinery::pkg::util::intstr::IntOrString,
};
use maquette_contract::Role;

/// The budget of `node`; none where there is only one pod that anybody would miss, for then a
/// machine could never be drained.
pub(super) fn pod_disruption_budget(
    topology: &Topology,
    node: &Node,
) -> Option<PodDisruptionBudget> {
    let wanted = match node.role() {
        Role::Service => node.replicas > 1,
        Role::Peer => true,
        Role::Store | Role::Load => false,
    };
    wanted.then(|| PodDisruptionBudget {
        metadata: metadata::of_node(
            topology,
            node,
            names::of_node(topology.identity(), &node.name),
        ),
        spec: Some(PodDisruptionBudgetSpec {
            max_unavailable: Some(IntOrString::Int(1)),
            selector: Some(metadata::label_selector(topology.identity(), node)),
            ..PodDisruptionBudgetSpec::default()
        }),
        status: None,
    })
}
