//! A component that is not wanted any more, but still gets requests over open connections.

use crate::plan::{Behavior, Component, PeerBehavior, PlannedCall, ServiceBehavior};
use maquette_contract::{CallMode, ComponentName, Hop, Percent, RequestWork, Routes};

/// `component`, which only forwards requests to `entry`; none if its role gets no requests of
/// users.
pub(in crate::evolve) fn forwarder_for(
    component: &Component,
    entry: &ComponentName,
) -> Option<Component> {
    let behavior = match &component.behavior {
        Behavior::Service(_) => Behavior::Service(forwarding_service(entry)),
        Behavior::Peer(peer) => Behavior::Peer(PeerBehavior {
            migration_sources: vec![],
            successor: Some(entry.clone()),
            ..peer.clone()
        }),
        Behavior::Store(_) | Behavior::Load(_) => return None,
    };
    Some(Component { behavior, ..component.clone() })
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
