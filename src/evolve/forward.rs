//! A node that is not wanted any more and still gets requests: it forwards them to the new entry.

use crate::plan::{Node, PeerTask, PlannedCall, ServiceTask, Task};
use maquette_contract::{CallMode, Hop, NodeName, Percent, Routes, Work};

/// `node`, forwarding every request to `entry`; none if it gets no requests of users.
pub(super) fn forwarder(node: &Node, entry: &NodeName) -> Option<Node> {
    let task = match &node.task {
        Task::Service(_) => Task::Service(thin(entry)),
        Task::Peer(task) => {
            Task::Peer(PeerTask { origins: vec![], successor: Some(entry.clone()), ..task.clone() })
        }
        Task::Store(_) | Task::Load(_) => return None,
    };
    Some(Node { task, ..node.clone() })
}

fn thin(entry: &NodeName) -> ServiceTask {
    ServiceTask {
        work: Work::default(),
        mode: CallMode::Sequential,
        calls: vec![PlannedCall { to: entry.clone(), probability_percent: Percent::ALWAYS }],
        store: None,
        routes: Routes { rest: Some(Hop::Call(entry.clone())), ..Routes::default() },
        origins: vec![],
    }
}
