//! Reads the entry Service as Kubernetes does, by its selector and its ports: without users no
//! request proves where it leads.

use super::{pod, topology::EntryService};
use k8s_openapi::{
    api::core::v1::{Pod, Service, ServicePort, ServiceSpec},
    apimachinery::pkg::util::intstr::IntOrString,
};
use maquette_contract::{keys::LABEL_COMPONENT, ports};
use std::sync::Arc;

/// Where the entry Service of this name leads among `pods`, and what is wrong with it.
pub(super) fn read_entry(services: &[Arc<Service>], pods: &[Arc<Pod>], name: &str) -> EntryService {
    let service = services.iter().find(|service| service.metadata.name.as_deref() == Some(name));
    let Some(spec) = service.and_then(|service| service.spec.as_ref()) else {
        return EntryService { component: None, issue: Some("it does not exist".to_owned()) };
    };
    let component =
        spec.selector.as_ref().and_then(|selector| selector.get(LABEL_COMPONENT)?.parse().ok());
    EntryService { component, issue: routing_issue(spec, pods) }
}

fn routing_issue(spec: &ServiceSpec, pods: &[Arc<Pod>]) -> Option<String> {
    let number = ports::ENTRY.number;
    let mut published = spec.ports.iter().flatten();
    let Some(port) = published.find(|port| port.port == i32::from(number)) else {
        return Some(format!("it has no port {number}"));
    };
    let mut endpoints =
        pods.iter().filter(|pod| selects_pod(spec, pod) && is_endpoint(pod)).peekable();
    if endpoints.peek().is_none() {
        return Some("no pod that it selects is ready".to_owned());
    }
    let traffic = i32::from(ports::TRAFFIC.number);
    endpoints
        .all(|pod| target_port(port, pod) != Some(traffic))
        .then(|| format!("its port {number} leads to no port on which pods take requests"))
}

fn selects_pod(spec: &ServiceSpec, pod: &Pod) -> bool {
    let Some(labels) = &pod.metadata.labels else { return false };
    let mut selector = spec.selector.iter().flatten().peekable();
    // An empty selector selects no pod: such a Service has endpoints of its own.
    selector.peek().is_some() && selector.all(|(key, value)| labels.get(key) == Some(value))
}

fn is_endpoint(pod: &Pod) -> bool {
    pod::is_ready(pod) && pod.metadata.deletion_timestamp.is_none()
}

/// The pod's port that a Service's port leads to.
fn target_port(port: &ServicePort, pod: &Pod) -> Option<i32> {
    match &port.target_port {
        None => Some(port.port),
        Some(IntOrString::Int(number)) => Some(*number),
        Some(IntOrString::String(name)) => {
            let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
            let mut ports = containers.flat_map(|container| container.ports.iter().flatten());
            ports.find(|port| port.name.as_ref() == Some(name)).map(|port| port.container_port)
        }
    }
}
