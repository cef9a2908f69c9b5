//! Services: the entry, one per component, and the headless ones that give each pod with a volume a
//! DNS name.

use super::{
    metadata, names,
    transport::{self, Transport},
};
use crate::plan::{Component, Topology};
use k8s_openapi::{
    api::core::v1::{Service, ServicePort, ServiceSpec},
    apimachinery::pkg::{apis::meta::v1::ObjectMeta, util::intstr::IntOrString},
};
use maquette_contract::{Role, ports};

/// The Services of `component`.
pub(super) fn build_services(topology: &Topology, component: &Component) -> Vec<Service> {
    match component.role() {
        Role::Service => vec![component_service(topology, component)],
        Role::Store => {
            vec![component_service(topology, component), headless_service(topology, component)]
        }
        Role::Peer => vec![headless_service(topology, component)],
        Role::Load => vec![],
    }
}

/// The entry Service; none if the entry is no component of the topology.
pub(super) fn build_entry(topology: &Topology) -> Option<Service> {
    let component = topology.component(topology.entry())?;
    let name = names::for_architecture(topology.identity());
    let meta = metadata::architecture_metadata(topology, name);
    let traffic = ServicePort {
        port: i32::from(ports::ENTRY.number),
        name: Some(ports::ENTRY.name.to_owned()),
        ..service_port(&transport::TRAFFIC)
    };
    Some(cluster_ip_service(topology, component, meta, vec![traffic]))
}

/// The Service that callers of `component` use.
fn component_service(topology: &Topology, component: &Component) -> Service {
    let name = names::for_component(topology.identity(), &component.name);
    let meta = metadata::component_metadata(topology, component, name);
    cluster_ip_service(topology, component, meta, service_ports(component.role()))
}

/// The Service that gives each pod of `component` a DNS name.
fn headless_service(topology: &Topology, component: &Component) -> Service {
    let name = names::headless_service(topology.identity(), component);
    let spec = ServiceSpec {
        cluster_ip: Some("None".to_owned()),
        // Peers must find each other before they are ready: a peer is ready only once it has
        // joined. `false` is not kept by the API server.
        publish_not_ready_addresses: (component.role() == Role::Peer).then_some(true),
        ..service_spec(topology, component, service_ports(component.role()))
    };
    Service {
        metadata: metadata::component_metadata(topology, component, name),
        spec: Some(spec),
        ..Service::default()
    }
}

fn cluster_ip_service(
    topology: &Topology,
    component: &Component,
    metadata: ObjectMeta,
    ports: Vec<ServicePort>,
) -> Service {
    let spec = service_spec(topology, component, ports);
    Service { metadata, spec: Some(spec), ..Service::default() }
}

fn service_spec(
    topology: &Topology,
    component: &Component,
    ports: Vec<ServicePort>,
) -> ServiceSpec {
    ServiceSpec {
        type_: Some("ClusterIP".to_owned()),
        selector: Some(metadata::pod_selector(topology.identity(), component)),
        ports: Some(ports),
        ..ServiceSpec::default()
    }
}

/// The ports that a Service of this role publishes.
fn service_ports(role: Role) -> Vec<ServicePort> {
    transport::published_transports(role).iter().map(service_port).collect()
}

fn service_port(transport: &Transport) -> ServicePort {
    ServicePort {
        name: Some(transport.port.name.to_owned()),
        port: i32::from(transport.port.number),
        target_port: Some(IntOrString::String(transport.port.name.to_owned())),
        protocol: Some(transport.protocol.to_owned()),
        app_protocol: transport.app_protocol.map(str::to_owned),
        ..ServicePort::default()
    }
}
