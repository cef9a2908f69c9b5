//! The edge from the peers to themselves: whether this one can exchange with the others.

use super::{peer_state::PeerState, wire::GetTransition};
use crate::runtime::{SlidingWindow, lock};
use maquette_contract::{ComponentName, EdgeObservation, Probe};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{task::JoinSet, time::sleep};

/// The edge.
#[derive(Debug)]
pub(super) struct PeersEdge {
    probe: Mutex<Probe>,
    traffic: SlidingWindow,
}

impl Default for PeersEdge {
    fn default() -> Self {
        Self { probe: Mutex::new(Probe::Pending), traffic: SlidingWindow::default() }
    }
}

impl PeersEdge {
    /// Another peer was asked.
    pub(super) fn record_request(&self, took: Duration, failed: bool) {
        self.traffic.record(took, failed);
    }

    /// The edge as it is reported.
    pub(super) fn observation(&self, to: &ComponentName) -> EdgeObservation {
        let probe = lock(&self.probe).clone();
        EdgeObservation { to: to.clone(), probe, traffic: self.traffic.current_traffic() }
    }
}

/// Probes, as long as this is polled.
pub(super) async fn run(node: &Arc<PeerState>) {
    loop {
        let outcome = probe_members(node).await;
        *lock(&node.edge.probe) = outcome;
        sleep(node.timing.probe_interval).await;
    }
}

/// It works if all members that seem to be up answer, and they are most of all members.
async fn probe_members(node: &Arc<PeerState>) -> Probe {
    let (state, reports) = (node.state(), node.reports());
    let members = state.configured.members();
    let mut asks = JoinSet::new();
    for name in members.iter().filter(|name| *name != node.me() && reports.is_live(name)) {
        let (node, name) = (Arc::clone(node), name.clone());
        asks.spawn(async move {
            let answer =
                node.send_request(&name, &GetTransition {}, node.timing.attempt_timeout).await;
            (name, answer)
        });
    }
    let mut reached = usize::from(members.contains(node.me()));
    let mut failures = Vec::new();
    while let Some(asked) = asks.join_next().await {
        match asked {
            Ok((_, Ok(_))) => reached += 1,
            Ok((name, Err(error))) => failures.push(format!("{name}: {error}")),
            Err(_) => {}
        }
    }
    failures.sort();
    if failures.is_empty() && reached > members.len() / 2 {
        return Probe::Works;
    }
    failures.insert(0, format!("{reached} of {} members reached", members.len()));
    Probe::Fails { message: failures.join("; ") }
}
