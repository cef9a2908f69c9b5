//! Deployments: of services and of the load.

use super::replica_count;
use crate::{
    plan::{Component, Topology},
    render::{RenderSettings, hash, metadata, names, pod::pod_template},
};
use k8s_openapi::{
    api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment},
    apimachinery::pkg::util::intstr::IntOrString,
};
use maquette_contract::Role;

/// The Deployment of `component`; none for components with volumes.
pub(in crate::render) fn build_deployment(
    topology: &Topology,
    component: &Component,
    settings: &RenderSettings,
) -> Option<Deployment> {
    let strategy = match component.role() {
        Role::Service => surge_by_one(),
        Role::Load => recreate_strategy(),
        Role::Store | Role::Peer => return None,
    };
    let identity = topology.identity();
    let spec = DeploymentSpec {
        replicas: Some(replica_count(component)),
        selector: metadata::label_selector(identity, component),
        strategy: Some(strategy),
        template: pod_template(topology, component, settings),
        ..DeploymentSpec::default()
    };
    let mut metadata = metadata::component_metadata(
        topology,
        component,
        names::for_component(identity, &component.name),
    );
    hash::annotate_template_hash(&mut metadata, &spec.template);
    Some(Deployment { metadata, spec: Some(spec), status: None })
}

/// Deletes a pod only when another is ready in its place: rolling a single pod fails no request.
fn surge_by_one() -> DeploymentStrategy {
    DeploymentStrategy {
        type_: Some("RollingUpdate".to_owned()),
        rolling_update: Some(RollingUpdateDeployment {
            max_surge: Some(IntOrString::Int(1)),
            max_unavailable: Some(IntOrString::Int(0)),
        }),
    }
}

/// Never two loads at once: they would send twice the requests and check each other's writes.
fn recreate_strategy() -> DeploymentStrategy {
    DeploymentStrategy { type_: Some("Recreate".to_owned()), rolling_update: None }
}
