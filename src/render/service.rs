//! Services: the entry, each node's own, and the headless ones that give pods with a volume names
//! of their own.

use super::{
    metadata, names,
    transport::{self, Transport},
};
use crate::plan::{Node, Topology};
use k8s_openapi::{
    api::core::v1::{Service, ServicePort, ServiceSpec},
    apimachinery::pkg::{apis::meta::v1::ObjectMeta, util::intstr::IntOrString},
};
use maquette_contract::{Role, ports};

/// The Services of `node`.
pub(super) fn services(topology: &Topology, node: &Node) -> Vec<Service> {
    match node.role() {
        Role::Service => vec![own(topology, node)],
        Role::Store => vec![own(topology, node), headless(topology, node)],
        Role::Peer => vec![headless(topology, node)],
        Role::Load => vec![],
    }
}

/// The entry Service; none if the entry is no node of the topology.
pub(super) fn entry(topology: &Topology) -> Option<Service> {
    let node = topology.node(topology.entry())?;
    let meta = metadata::common(topology, names::of_whole(topology.identity()));
    let traffic = ServicePort {
        port: i32::from(ports::ENTRY.number),
        name: Some(ports::ENTRY.name.to_owned()),
        ..port(&transport::TRAFFIC)
    };
    Some(service(topology, node, meta, vec![traffic]))
}

/// The Service that callers of `node` use.
fn own(topology: &Topology, node: &Node) -> Service {
    let name = names::of_node(topology.identity(), &node.name);
    let meta = metadata::of_node(topology, node, name);
    service(topology, node, meta, transport::served(node.role()).iter().map(port).collect())
}

/// The Service that gives each pod of `node` a DNS name. Peers must find each other before they
/// are ready, for a peer is ready only once it has joined.
fn headless(topology: &Topology, node: &Node) -> Service {
    let meta = metadata::of_node(topology, node, names::headless(topology.identity(), node));
    let ports = transport::served(node.role()).iter().map(port).collect();
    let mut service = service(topology, node, meta, ports);
    if let Some(spec) = &mut service.spec {
        spec.cluster_ip = Some("None".to_owned());
        // `false` is not kept by the API server.
        spec.publish_not_ready_addresses = (node.role() == Role::Peer).then_some(true);
    }
    service
}

fn service(
    topology: &Topology,
    node: &Node,
    metadata: ObjectMeta,
    ports: Vec<ServicePort>,
) -> Service {
    let spec = ServiceSpec {
        type_: Some("ClusterIP".to_owned()),
        selector: Some(metadata::selector(topology.identity(), node)),
        ports: Some(ports),
        ..ServiceSpec::default()
    };
    Service { metadata, spec: Some(spec), ..Service::default() }
}

fn port(transport: &Transport) -> ServicePort {
    ServicePort {
        name: Some(transport.port.name.to_owned()),
        port: i32::from(transport.port.number),
        target_port: Some(IntOrString::String(transport.port.name.to_owned())),
        protocol: Some(transport.protocol.to_owned()),
        app_protocol: transport.application.map(str::to_owned),
        ..ServicePort::default()
    }
}
