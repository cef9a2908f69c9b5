//! What a change carries over as it is: volumes never shrink, and peers that are too many stay until
//! everything else is done.

use super::graph::RouteGraph;
use crate::{
    api::Quantity,
    observe::RunningTopology,
    plan::{Behavior, Component, Topology, Volume},
};

/// `wanted`, with every volume that runs at least as large as it is.
pub(super) fn volume_sizes(wanted: &Topology, running: &RunningTopology) -> Topology {
    let mut kept = wanted.clone();
    for component in kept.components.values_mut() {
        let old = running.component(&component.name).and_then(|found| found.planned.as_ref());
        let old = old.and_then(|old| storage_of(old).cloned());
        if let (Some(volume), Some(old)) = (storage_mut(component), old)
            && parsed_size(&old) > parsed_size(volume)
        {
            volume.size = old.size;
        }
    }
    kept
}

/// `wanted`, with at least as many peers as are members now, so that none leaves before everything
/// else is done. Those that nobody asks yet need not all be there.
pub(super) fn peer_members(wanted: &Topology, running: &RunningTopology) -> Topology {
    let graph = RouteGraph::from_running(running);
    let used = graph.reachable_components();
    let mut kept = wanted.clone();
    for component in kept.components.values_mut().filter(|component| used.contains(&component.name))
    {
        let old = graph.component(&component.name).map(|old| &old.behavior);
        if let (Behavior::Peer(task), Some(Behavior::Peer(old))) = (&mut component.behavior, old) {
            task.members = task.members.max(old.members);
            component.replicas = component.replicas.max(old.members);
        }
    }
    kept
}

fn parsed_size(volume: &Volume) -> Option<Quantity> {
    volume.size.parse().ok()
}

fn storage_of(component: &Component) -> Option<&Volume> {
    match &component.behavior {
        Behavior::Store(task) => Some(&task.storage),
        Behavior::Peer(task) => Some(&task.storage),
        Behavior::Service(_) | Behavior::Load(_) => None,
    }
}

fn storage_mut(component: &mut Component) -> Option<&mut Volume> {
    match &mut component.behavior {
        Behavior::Store(task) => Some(&mut task.storage),
        Behavior::Peer(task) => Some(&mut task.storage),
        Behavior::Service(_) | Behavior::Load(_) => None,
    }
}
