//! Equal peers: one component, whose pods do everything.

use super::{Component, PeerTask, Plan, Task, components, names, resources};
use crate::api::ValidPeerToPeer;
use maquette_contract::Role;

pub(super) fn plan(shape: &ValidPeerToPeer) -> Plan {
    let task = PeerTask {
        work: shape.component.work.clone(),
        replication_factor: shape.replication_factor,
        members: shape.component.replicas,
        storage: components::volume(&shape.storage),
        origins: vec![],
        successor: None,
    };
    let peers = Component {
        name: names::peers(),
        replicas: shape.component.replicas,
        resources: resources::of(Role::Peer, &shape.component.resources),
        task: Task::Peer(task),
    };
    Plan {
        entry: names::peers(),
        components: vec![peers],
        drives: vec![names::peers()],
        collections: vec![names::items()],
    }
}
