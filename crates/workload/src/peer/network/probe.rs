//! Probes whether this peer can reach the others.

use super::{peer_network::PeerNetwork, wire::GetTransition};
use maquette_contract::Probe;
use std::{sync::Arc, time::Duration};
use tokio::{task::JoinSet, time::sleep};

/// Probes at an interval until it is dropped.
pub(crate) async fn run_probes(network: &Arc<PeerNetwork>, interval: Duration) {
    loop {
        let probe = probe_members(network).await;
        network.edge().set_probe(probe);
        sleep(interval).await;
    }
}

/// The edge works if all live members reply, and they are a majority of all members.
async fn probe_members(network: &Arc<PeerNetwork>) -> Probe {
    let peer = network.peer();
    let (state, reports) = (peer.member(), peer.reports());
    let members = state.configured.members();
    let mut requests = JoinSet::new();
    for member in members.iter().filter(|name| *name != peer.name() && reports.is_live(name)) {
        let (network, name) = (Arc::clone(network), member.clone());
        requests.spawn(async move {
            let reply = network.send_in_known_form(&name, &GetTransition {}).await;
            (name, reply)
        });
    }
    let mut reached = usize::from(members.contains(peer.name()));
    let mut failures = Vec::new();
    while let Some(request) = requests.join_next().await {
        match request {
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
