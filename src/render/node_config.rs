//! A node's configuration: what its pods are told, and nothing that they have no business to know.

use super::names;
use crate::plan::{
    Identity, LoadTask, Node, PeerTask, PlannedCall, PlannedOrigin, ServiceTask, Task, Topology,
};
use maquette_contract::{
    Call, LoadConfig, LoadTarget, NodeConfig, NodeName, Origin, OriginHome, PeerConfig, PeerMember,
    RoleConfig, ServiceConfig, StoreConfig, StoreTarget, Successor,
};

/// The configuration of `node`.
pub(super) fn node_config(topology: &Topology, node: &Node) -> NodeConfig {
    let identity = topology.identity();
    let role = match &node.task {
        Task::Service(task) => RoleConfig::Service(service(identity, task)),
        Task::Store(_) => RoleConfig::Store(StoreConfig {}),
        Task::Peer(task) => RoleConfig::Peer(peer(identity, node, task)),
        Task::Load(task) => RoleConfig::Load(load(topology, task)),
    };
    NodeConfig { architecture: identity.name.clone(), node: node.name.clone(), role }
}

fn service(identity: &Identity, task: &ServiceTask) -> ServiceConfig {
    let call = |call: &PlannedCall| Call {
        node: call.to.clone(),
        address: names::traffic_address(identity, &call.to),
        probability_percent: call.probability_percent,
    };
    let target = |store: &NodeName| StoreTarget {
        node: store.clone(),
        address: names::store_address(identity, store),
    };
    ServiceConfig {
        work: task.work.clone(),
        mode: task.mode,
        calls: task.calls.iter().map(call).collect(),
        store: task.store.as_ref().map(target),
        routes: task.routes.clone(),
        origins: origins(identity, &task.origins),
    }
}

fn peer(identity: &Identity, node: &Node, task: &PeerTask) -> PeerConfig {
    let member = |ordinal| PeerMember {
        name: names::pod(identity, node, ordinal),
        address: names::peer_address(identity, node, ordinal),
    };
    PeerConfig {
        work: task.work.clone(),
        replication_factor: task.replication_factor,
        members: (0..task.members).map(member).collect(),
        origins: origins(identity, &task.origins),
        successor: task.successor.as_ref().map(|node| Successor {
            node: node.clone(),
            address: names::traffic_address(identity, node),
        }),
    }
}

fn origins(identity: &Identity, origins: &[PlannedOrigin]) -> Vec<Origin> {
    let origin = |origin: &PlannedOrigin| Origin {
        node: origin.node.clone(),
        home: origin.home,
        address: match origin.home {
            OriginHome::Store => names::store_address(identity, &origin.node),
            OriginHome::Peers => names::traffic_address(identity, &origin.node),
        },
        kinds: origin.kinds.clone(),
        last: origin.last,
    };
    origins.iter().map(origin).collect()
}

fn load(topology: &Topology, task: &LoadTask) -> LoadConfig {
    let target = |node: &NodeName| LoadTarget {
        node: node.clone(),
        address: names::user_address(topology, node),
    };
    LoadConfig {
        targets: task.drives.iter().map(target).collect(),
        requests_per_second: task.requests_per_second,
        write_percent: task.write_percent,
        summary_percent: task.summary_percent,
        items: task.items,
        kinds: task.kinds.clone(),
    }
}
