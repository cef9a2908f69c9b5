//! Follows the configuration and the other peers, one step at a time, and reports the progress.
//!
//! Alone changes this peer's [`MemberState`]. A step is on disk before it takes effect.

use super::{
    gossip::Gossip,
    peer_state::PeerState,
    phase::{MemberState, Phase},
    report::GossipReport,
    state_file::{SavedState, StateFile, StateFileError},
    transition::PeerTransition,
};
use crate::runtime::{Shutdown, shutdown::ShutdownStage};
use std::{collections::BTreeMap, future::Future, sync::Arc, time::Duration};
use tokio::{sync::watch, time::timeout};

/// The connections to the other peers, as far as membership needs them.
pub(crate) trait MemberLinks: Send + Sync {
    /// The layouts in force at another peer; `None` if it does not reply in time.
    fn get_transition(&self, name: &str) -> impl Future<Output = Option<PeerTransition>> + Send;

    /// Closes connections to peers that are neither members nor live.
    fn close_unused_connections(&self);
}

/// Drives one peer through the phases of membership.
pub(crate) struct MembershipDriver<L> {
    pub(crate) peer: Arc<PeerState>,
    pub(crate) links: Arc<L>,
    pub(crate) gossip: Arc<Gossip>,
    pub(crate) state_file: StateFile,
    /// The number of this start of the process; see [`SavedState::generation`].
    pub(crate) generation: u64,
    /// What to report as [`GossipReport::checked`].
    pub(crate) checked_peers: watch::Receiver<BTreeMap<String, u64>>,
    /// How long until a step that failed is tried again.
    pub(crate) retry_interval: Duration,
    pub(crate) shutdown: Shutdown,
}

impl<L: MemberLinks> MembershipDriver<L> {
    /// Runs until it is dropped, or the state file cannot be written.
    pub(crate) async fn run(mut self) -> StateFileError {
        let mut members = self.peer.subscribe_members();
        let mut reports = self.peer.subscribe_reports();
        loop {
            let mut state = (*self.peer.member()).clone();
            let known = Arc::clone(&reports.borrow_and_update());
            state.set_configured(members.borrow_and_update().layout.clone());
            while state.advance(self.peer.name(), &known) {}
            self.try_join(&mut state).await;
            if let Err(error) = self.commit_state(state).await {
                return error;
            }
            self.links.close_unused_connections();
            let checked = self.checked_peers.borrow_and_update().clone();
            let architecture = self.peer.members().identity.uid.clone();
            self.gossip.publish_report(&self.own_report(checked), architecture.as_ref()).await;
            let stopping = self.is_stopping();
            let change = async {
                tokio::select! {
                    _ = reports.changed() => {}
                    _ = self.checked_peers.changed() => {}
                    _ = members.changed() => {}
                    () = self.shutdown.wait_until_requested(), if !stopping => {}
                }
            };
            // The timeout retries what failed.
            let _ = timeout(self.retry_interval, change).await;
        }
    }

    fn is_stopping(&self) -> bool {
        self.shutdown.stage() >= ShutdownStage::LameDuck
    }

    fn own_report(&self, checked: BTreeMap<String, u64>) -> GossipReport {
        let state = self.peer.member();
        GossipReport {
            incarnation: state.incarnation,
            target: state.target().id(),
            step: state.reported_step(),
            checked,
            stopping: self.is_stopping(),
            volume: Some(self.peer.volume()),
        }
    }

    /// A joining peer becomes active once all other members have sent it the copies that it must
    /// have.
    async fn try_join(&self, state: &mut MemberState) {
        let (own_name, reports) = (self.peer.name(), self.peer.reports());
        if state.phase != Phase::Joining || !state.is_checked_by_all(own_name, &reports) {
            return;
        }
        let mut transitions = Vec::new();
        for other in state.configured.members().iter().filter(|name| *name != own_name) {
            let Some(transition) = self.links.get_transition(other).await else { return };
            transitions.push(transition);
        }
        state.complete_join(&transitions);
    }

    /// Writes a state to disk, then puts it in force.
    async fn commit_state(&self, state: MemberState) -> Result<(), StateFileError> {
        let before = self.peer.member();
        if *before == state {
            return Ok(());
        }
        let transition = match &state.phase {
            Phase::Active(transition) => Some(transition.clone()),
            Phase::Joining | Phase::Removed => None,
        };
        let volume = Some(self.peer.volume());
        let saved = SavedState { generation: self.generation, transition, volume };
        let file = self.state_file.clone();
        let saving = tokio::task::spawn_blocking(move || file.save(&saved));
        // The task is cancelled only when the runtime ends.
        saving.await.unwrap_or(Ok(()))?;
        if before.phase != state.phase {
            let names: Vec<&str> = state.target().members().iter().map(String::as_str).collect();
            let members = names.join(" ");
            tracing::info!(step = state.reported_step().as_str(), members, "membership changed");
        }
        self.peer.set_member(state);
        Ok(())
    }
}
