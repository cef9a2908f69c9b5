//! Volumes that a change carries over: they never shrink, and keep their StorageClass.

use crate::{
    api::Quantity,
    observe::Running,
    plan::{Node, Task, Topology, Volume},
};

/// `wanted`, with every volume that runs at least as large as it is.
pub(super) fn volumes(wanted: &Topology, running: &Running) -> Topology {
    let mut kept = wanted.clone();
    for node in kept.nodes.values_mut() {
        let old = running.node(&node.name).and_then(|found| found.planned.as_ref());
        let old = old.and_then(|old| storage(old).cloned());
        if let (Some(volume), Some(old)) = (storage_mut(node), old)
            && size(&old) > size(volume)
        {
            volume.size = old.size;
        }
    }
    kept
}

fn size(volume: &Volume) -> Option<Quantity> {
    volume.size.parse().ok()
}

fn storage(node: &Node) -> Option<&Volume> {
    match &node.task {
        Task::Store(task) => Some(&task.storage),
        Task::Peer(task) => Some(&task.storage),
        Task::Service(_) | Task::Load(_) => None,
    }
}

fn storage_mut(node: &mut Node) -> Option<&mut Volume> {
    match &mut node.task {
        Task::Store(task) => Some(&mut task.storage),
        Task::Peer(task) => Some(&mut task.storage),
        Task::Service(_) | Task::Load(_) => None,
    }
}
