//! Equal peers: one node, whose pods do everything.

use super::{Node, PeerTask, Plan, Task, names, nodes, resources};
use crate::api::ValidPeerToPeer;
use maquette_contract::Role;

pub(super) fn plan(shape: &ValidPeerToPeer) -> Plan {
    let task = PeerTask {
        work: shape.node.work.clone(),
        replication_factor: shape.replication_factor,
        members: shape.node.replicas,
        storage: nodes::volume(&shape.storage),
        origins: vec![],
        successor: None,
    };
    let peers = Node {
        name: names::peers(),
        replicas: shape.node.replicas,
        resources: resources::of(Role::Peer, &shape.node.resources),
        task: Task::Peer(task),
    };
    Plan {
        entry: names::peers(),
        nodes: vec![peers],
        drives: vec![names::peers()],
        kinds: vec![names::items()],
    }
}
