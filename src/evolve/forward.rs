//! A component that is not wanted any more and still gets requests: it forwards them to the new entry.

use crate::plan::{Component, PeerTask, PlannedCall, ServiceTask, Task};
use maquette_contract::{CallMode, ComponentName, Hop, Percent, Routes, Work};

/// `component`, forwarding every request to `entry`; none if it gets no requests of users.
pub(super) fn forwarder(component: &Component, entry: &ComponentName) -> Option<Component> {
    let task = match &component.task {
        Task::Service(_) => Task::Service(thin(entry)),
        Task::Peer(task) => {
            Task::Peer(PeerTask { origins: vec![], successor: Some(entry.clone()), ..task.clone() })
        }
        Task::Store(_) | Task::Load(_) => return None,
    };
    Some(Component { task, ..component.clone() })
}

fn thin(entry: &ComponentName) -> ServiceTask {
    ServiceTask {
        work: Work::default(),
        mode: CallMode::Sequential,
        calls: vec![PlannedCall { to: entry.clone(), probability_percent: Percent::ALWAYS }],
        store: None,
        routes: Routes { rest: Some(Hop::Call(entry.clone())), ..Routes::default() },
        origins: vec![],
    }
}
