//! Equal peers: one component, whose pods do everything.

use super::{Behavior, Component, PeerBehavior, Plan, components, names, resources};
use crate::api::ValidPeerToPeer;
use maquette_contract::Role;

pub(super) fn plan(shape: &ValidPeerToPeer) -> Plan {
    let task = PeerBehavior {
        work: shape.component.work.clone(),
        replication_factor: shape.replication_factor,
        members: shape.component.replicas,
        storage: components::volume(&shape.storage),
        migration_sources: vec![],
        successor: None,
    };
    let peers = Component {
        name: names::peers(),
        replicas: shape.component.replicas,
        resources: resources::of(Role::Peer, &shape.component.resources),
        behavior: Behavior::Peer(task),
    };
    Plan {
        entry: names::peers(),
        components: vec![peers],
        drives: vec![names::peers()],
        collections: vec![names::items()],
    }
}
