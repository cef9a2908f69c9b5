//! The peer-to-peer shape: one component, whose pods answer requests and store the items.

use super::{Behavior, Component, PeerBehavior, ShapePlan, components, names, resources};
use crate::api::ValidPeerToPeer;
use maquette_contract::Role;

pub(super) fn plan(shape: &ValidPeerToPeer) -> ShapePlan {
    let behavior = PeerBehavior {
        work: shape.component.work.clone(),
        replication_factor: shape.replication_factor,
        members: shape.component.replicas,
        members_changed: false,
        has_internal_port: true,
        storage: components::volume_from(&shape.storage),
        migration_sources: vec![],
        successor: None,
    };
    let peers = Component {
        name: names::peers(),
        replicas: shape.component.replicas,
        resources: resources::with_defaults(Role::Peer, &shape.component.resources),
        behavior: Behavior::Peer(behavior),
    };
    ShapePlan {
        entry: names::peers(),
        components: vec![peers],
        drives: vec![names::peers()],
        collections: vec![names::default_collection()],
    }
}
