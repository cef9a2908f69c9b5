//! Follows the configuration and the other peers, step by step, and tells them how far it is.
//!
//! Alone changes this peer's [`State`]. A step is on disk before anybody acts on it.

use super::{
    gossip::Gossip,
    members::Members,
    peer_state::PeerState,
    phase::{MemberState, Phase},
    report::GossipReport,
    state_file::{SavedState, StateFile, StateFileError},
    wire::GetTransition,
};
use crate::runtime::{Shutdown, shutdown::ShutdownStage};
use std::{collections::BTreeMap, sync::Arc};
use tokio::{sync::watch, time::timeout};

/// Where one peer is among the others.
pub(super) struct MembershipDriver {
    node: Arc<PeerState>,
    gossip: Arc<Gossip>,
    volume: StateFile,
    generation: u64,
    members: watch::Receiver<Members>,
    shutdown: Shutdown,
}

impl MembershipDriver {
    pub(super) fn new(
        node: &Arc<PeerState>,
        gossip: &Arc<Gossip>,
        volume: StateFile,
        generation: u64,
        members: &watch::Receiver<Members>,
        shutdown: &Shutdown,
    ) -> Self {
        let (node, gossip) = (Arc::clone(node), Arc::clone(gossip));
        let (members, shutdown) = (members.clone(), shutdown.clone());
        Self { node, gossip, volume, generation, members, shutdown }
    }

    /// Follows, as long as this is polled and the volume takes what is to be kept there.
    pub(super) async fn run(self) -> StateFileError {
        let mut members = self.members.clone();
        let mut reports = self.node.reports.subscribe();
        let mut checked = self.node.replication.checked_peers.subscribe();
        loop {
            let mut state = (*self.node.state()).clone();
            let known = Arc::clone(&reports.borrow_and_update());
            state.set_configured(members.borrow_and_update().layout.clone());
            while state.advance(self.node.me(), &known) {}
            self.try_join(&mut state).await;
            if let Err(error) = self.commit_state(state).await {
                return error;
            }
            self.node.close_unused_connections();
            let report = self.own_report(&checked.borrow_and_update());
            self.gossip.publish_report(&report).await;
            let change = async {
                tokio::select! {
                    _ = reports.changed() => {}
                    _ = checked.changed() => {}
                    _ = members.changed() => {}
                    () = self.shutdown.wait_until_requested(), if !self.is_stopping() => {}
                }
            };
            // What failed is tried again.
            let _ = timeout(self.node.timing.discovery_interval, change).await;
        }
    }

    fn is_stopping(&self) -> bool {
        self.shutdown.stage() >= ShutdownStage::LameDuck
    }

    fn own_report(&self, checked: &BTreeMap<String, u64>) -> GossipReport {
        let state = self.node.state();
        GossipReport {
            incarnation: state.incarnation,
            target: state.target().id(),
            step: state.reported_step(),
            checked: checked.clone(),
            stopping: self.is_stopping(),
        }
    }

    /// A blank peer joins once all others have given it what it must have.
    async fn try_join(&self, state: &mut MemberState) {
        let (me, reports) = (self.node.me(), self.node.reports());
        if state.phase != Phase::Joining || !state.is_checked_by_all(me, &reports) {
            return;
        }
        let mut heard = BTreeMap::new();
        for other in state.configured.members().iter().filter(|name| *name != me) {
            let within = self.node.timing.attempt_timeout;
            let Ok(stands) = self.node.send_request(other, &GetTransition {}, within).await else {
                return;
            };
            heard.insert(other.clone(), stands);
        }
        state.complete_join(&heard);
    }

    /// Puts a state on disk and then into force.
    async fn commit_state(&self, state: MemberState) -> Result<(), StateFileError> {
        let before = self.node.state();
        if *before == state {
            return Ok(());
        }
        let standing = match &state.phase {
            Phase::Active(standing) => Some(standing.clone()),
            Phase::Joining | Phase::Removed => None,
        };
        let saved = SavedState { generation: self.generation, transition: standing };
        let volume = self.volume.clone();
        let saving = tokio::task::spawn_blocking(move || volume.save(&saved));
        // Only a runtime that ends cancels it.
        saving.await.unwrap_or(Ok(()))?;
        if before.phase != state.phase {
            let members: Vec<&str> = state.target().members().iter().map(String::as_str).collect();
            let members = members.join(" ");
            tracing::info!(step = ?state.reported_step(), members, "membership");
        }
        self.node.state.send_replace(Arc::new(state));
        Ok(())
    }
}
