//! A component that is not wanted any more and still gets requests: it forwards them to the new entry.

use crate::plan::{Behavior, Component, PeerBehavior, PlannedCall, ServiceBehavior};
use maquette_contract::{CallMode, ComponentName, Hop, Percent, RequestWork, Routes};

/// `component`, forwarding every request to `entry`; none if it gets no requests of users.
pub(super) fn forwarder_for(component: &Component, entry: &ComponentName) -> Option<Component> {
    let task = match &component.behavior {
        Behavior::Service(_) => Behavior::Service(forwarding_service(entry)),
        Behavior::Peer(task) => Behavior::Peer(PeerBehavior {
            migration_sources: vec![],
            successor: Some(entry.clone()),
            ..task.clone()
        }),
        Behavior::Store(_) | Behavior::Load(_) => return None,
    };
    Some(Component { behavior: task, ..component.clone() })
}

fn forwarding_service(entry: &ComponentName) -> ServiceBehavior {
    ServiceBehavior {
        work: RequestWork::default(),
        mode: CallMode::Sequential,
        calls: vec![PlannedCall { to: entry.clone(), probability_percent: Percent::ALWAYS }],
        store: None,
        routes: Routes { rest: Some(Hop::Call(entry.clone())), ..Routes::default() },
        migration_sources: vec![],
    }
}
