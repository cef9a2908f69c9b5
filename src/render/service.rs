//! Services: the entry, each component's own, and the headless ones that give pods with a volume names
//! of their own.

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
    let meta =
        metadata::architecture_metadata(topology, names::for_architecture(topology.identity()));
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
    cluster_ip_service(
        topology,
        component,
        meta,
        transport::published_transports(component.role()).iter().map(service_port).collect(),
    )
}

/// The Service that gives each pod of `component` a DNS name. Peers must find each other before they
/// are ready, for a peer is ready only once it has joined.
fn headless_service(topology: &Topology, component: &Component) -> Service {
    let meta = metadata::component_metadata(
        topology,
        component,
        names::headless_service(topology.identity(), component),
    );
    let ports =
        transport::published_transports(component.role()).iter().map(service_port).collect();
    let mut service = cluster_ip_service(topology, component, meta, ports);
    if let Some(spec) = &mut service.spec {
        spec.cluster_ip = Some("None".to_owned());
        // `false` is not kept by the API server.
        spec.publish_not_ready_addresses = (component.role() == Role::Peer).then_some(true);
    }
    service
}

fn cluster_ip_service(
    topology: &Topology,
    component: &Component,
    metadata: ObjectMeta,
    ports: Vec<ServicePort>,
) -> Service {
    let spec = ServiceSpec {
        type_: Some("ClusterIP".to_owned()),
        selector: Some(metadata::pod_selector(topology.identity(), component)),
        ports: Some(ports),
        ..ServiceSpec::default()
    };
    Service { metadata, spec: Some(spec), ..Service::default() }
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
