//! PodDisruptionBudgets: draining a node evicts one pod of a component at a time.

use crate::{
    plan::{Component, Topology},
    render::{metadata, names},
};
use k8s_openapi::{
    api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec},
    apimachinery::pkg::util::intstr::IntOrString,
};
use maquette_contract::Role;

/// The budget of `component`; none for a component with a single pod: its node could not be
/// drained.
pub(in crate::render) fn build_pod_disruption_budget(
    topology: &Topology,
    component: &Component,
) -> Option<PodDisruptionBudget> {
    let wanted = match component.role() {
        Role::Service => component.replicas > 1,
        Role::Peer => true,
        Role::Store | Role::Load => false,
    };
    wanted.then(|| PodDisruptionBudget {
        metadata: metadata::component_metadata(
            topology,
            component,
            names::for_component(topology.identity(), &component.name),
        ),
        spec: Some(PodDisruptionBudgetSpec {
            max_unavailable: Some(IntOrString::Int(1)),
            selector: Some(metadata::label_selector(topology.identity(), component)),
            ..PodDisruptionBudgetSpec::default()
        }),
        status: None,
    })
}
