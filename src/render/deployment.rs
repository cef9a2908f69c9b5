//! Deployments: services and the load.

use super::{RenderSettings, metadata, names, pod};
use crate::plan::{Component, Topology};
use k8s_openapi::{
    api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment},
    apimachinery::pkg::util::intstr::IntOrString,
};
use maquette_contract::Role;

/// The Deployment of `component`; none for components with volumes.
pub(super) fn deployment(
    topology: &Topology,
    component: &Component,
    settings: &RenderSettings,
) -> Option<Deployment> {
    let strategy = match component.role() {
        Role::Service => one_more_first(),
        Role::Load => one_at_most(),
        Role::Store | Role::Peer => return None,
    };
    let identity = topology.identity();
    let spec = DeploymentSpec {
        replicas: Some(pod::replicas(component)),
        selector: metadata::label_selector(identity, component),
        strategy: Some(strategy),
        template: pod::template(topology, component, settings),
        ..DeploymentSpec::default()
    };
    let metadata =
        metadata::of_component(topology, component, names::of_component(identity, &component.name));
    Some(Deployment { metadata, spec: Some(spec), status: None })
}

/// A pod goes only when another is ready in its place: rolling a single one costs no request.
fn one_more_first() -> DeploymentStrategy {
    DeploymentStrategy {
        type_: Some("RollingUpdate".to_owned()),
        rolling_update: Some(RollingUpdateDeployment {
            max_surge: Some(IntOrString::Int(1)),
            max_unavailable: Some(IntOrString::Int(0)),
        }),
    }
}

/// Never two loads at once: they would send twice the requests and count each other's writes.
fn one_at_most() -> DeploymentStrategy {
    DeploymentStrategy { type_: Some("Recreate".to_owned()), rolling_update: None }
}
