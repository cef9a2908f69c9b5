//! What a change keeps as it runs: sizes of volumes, surplus peers until the end, the port of the
//! items of peers, and whether peers have always had the same members.

use crate::{
    api::Quantity,
    evolve::routing::RouteGraph,
    observe::RunningTopology,
    plan::{Behavior, Component, Topology, Volume},
};

/// `wanted`, with no volume smaller than it runs: volumes that exist cannot shrink.
pub(in crate::evolve) fn keep_volume_sizes(
    wanted: &Topology,
    running: &RunningTopology,
) -> Topology {
    let mut kept = wanted.clone();
    for component in kept.components.values_mut() {
        let current = running
            .component(&component.name)
            // What does not exist yet may have any size.
            .filter(|found| !found.claims_unbound)
            .and_then(|found| found.planned.as_ref())
            .and_then(volume_of);
        if let (Some(volume), Some(current)) = (volume_of_mut(component), current)
            && parsed_size(current) > parsed_size(volume)
        {
            volume.size.clone_from(&current.size);
        }
    }
    kept
}

/// `wanted`, in which peers know that they began with another number of members: then new volumes do
/// not begin to serve by themselves, because the earlier members may have all items. Their items are
/// on the port on which their pods serve them until these are replaced.
pub(in crate::evolve) fn keep_peer_history(
    mut wanted: Topology,
    running: &RunningTopology,
) -> Topology {
    for component in wanted.components.values_mut() {
        let Behavior::Peer(peer) = &mut component.behavior else { continue };
        let found = running.component(&component.name);
        if let Some(Behavior::Peer(current)) =
            found.and_then(|found| found.planned.as_ref()).map(|planned| &planned.behavior)
        {
            peer.members_changed = current.members_changed || current.members != peer.members;
            peer.has_internal_port = current.has_internal_port;
        }
        peer.members_changed |= running.may_have_other_members(&component.name, peer.members);
    }
    wanted
}

/// `wanted`, with at least as many peers as are members now, so that none is removed before all
/// other changes are made.
pub(in crate::evolve) fn keep_peers(wanted: &Topology, running: &RunningTopology) -> Topology {
    let graph = RouteGraph::from_running(running);
    // Peers that no request reaches have no items yet: their number may go down at once.
    let reachable = graph.reachable_components();
    let mut kept = wanted.clone();
    for component in kept.components.values_mut().filter(|one| reachable.contains(&one.name)) {
        let current = graph.component(&component.name).map(|current| &current.behavior);
        if let (Behavior::Peer(peer), Some(Behavior::Peer(current))) =
            (&mut component.behavior, current)
        {
            peer.members = peer.members.max(current.members);
            component.replicas = component.replicas.max(current.members);
        }
    }
    kept
}

fn parsed_size(volume: &Volume) -> Option<Quantity> {
    volume.size.parse().ok()
}

fn volume_of(component: &Component) -> Option<&Volume> {
    match &component.behavior {
        Behavior::Store(store) => Some(&store.storage),
        Behavior::Peer(peer) => Some(&peer.storage),
        Behavior::Service(_) | Behavior::Load(_) => None,
    }
}

fn volume_of_mut(component: &mut Component) -> Option<&mut Volume> {
    match &mut component.behavior {
        Behavior::Store(store) => Some(&mut store.storage),
        Behavior::Peer(peer) => Some(&mut peer.storage),
        Behavior::Service(_) | Behavior::Load(_) => None,
    }
}
