//! The entry Service as the API server has it: which component it leads to, and what keeps users'
//! requests from getting there. It is read as Kubernetes reads it, by its selector and its ports:
//! nobody sends requests through it where there are no end users.

use super::pod;
use k8s_openapi::{
    api::core::v1::{Pod, Service, ServicePort, ServiceSpec},
    apimachinery::pkg::util::intstr::IntOrString,
};
use maquette_contract::{ComponentName, keys::LABEL_COMPONENT, ports};
use std::sync::Arc;

/// The entry Service, as far as requests care.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct EntryService {
    /// The component that it leads to.
    pub(super) component: Option<ComponentName>,
    /// Why a request does not get to a pod, in one line, if it does not.
    pub(super) issue: Option<String>,
}

/// The entry Service of this name, and which of `pods` it leads to.
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
        pods.iter().filter(|pod| selects_pod(spec, pod) && is_serving(pod)).peekable();
    if endpoints.peek().is_none() {
        return Some("no pod that it selects is ready".to_owned());
    }
    let lost =
        endpoints.all(|pod| target_port(port, pod) != Some(i32::from(ports::TRAFFIC.number)));
    lost.then(|| format!("its port {number} leads to no port on which pods take requests"))
}

fn selects_pod(spec: &ServiceSpec, pod: &Pod) -> bool {
    let label = |key| pod.metadata.labels.as_ref().and_then(|labels| labels.get(key));
    let mut selector = spec.selector.iter().flatten().peekable();
    selector.peek().is_some() && selector.all(|(key, value)| label(key) == Some(value))
}

fn is_serving(pod: &Pod) -> bool {
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
