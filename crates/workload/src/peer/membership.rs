//! Follows the configuration and the other peers, step by step, and tells them how far it is.
//!
//! Alone changes this peer's [`State`]. A step is on disk before anybody acts on it.

use super::{
    gossip::Gossip,
    members::Members,
    node::Node,
    phase::{Phase, State},
    report::Report,
    volume::{Saved, Volume, VolumeError},
    wire::Stand,
};
use crate::runtime::{Shutdown, shutdown::Stage};
use std::{collections::BTreeMap, sync::Arc};
use tokio::{sync::watch, time::timeout};

/// Where one peer is among the others.
pub(super) struct Membership {
    node: Arc<Node>,
    gossip: Arc<Gossip>,
    volume: Volume,
    generation: u64,
    members: watch::Receiver<Members>,
    shutdown: Shutdown,
}

impl Membership {
    pub(super) fn new(
        node: &Arc<Node>,
        gossip: &Arc<Gossip>,
        volume: Volume,
        generation: u64,
        members: &watch::Receiver<Members>,
        shutdown: &Shutdown,
    ) -> Self {
        let (node, gossip) = (Arc::clone(node), Arc::clone(gossip));
        let (members, shutdown) = (members.clone(), shutdown.clone());
        Self { node, gossip, volume, generation, members, shutdown }
    }

    /// Follows, as long as this is polled and the volume takes what is to be kept there.
    pub(super) async fn run(self) -> VolumeError {
        let mut members = self.members.clone();
        let mut reports = self.node.reports.subscribe();
        let mut checked = self.node.wholeness.checked.subscribe();
        loop {
            let mut state = (*self.node.state()).clone();
            let known = Arc::clone(&reports.borrow_and_update());
            state.configure(members.borrow_and_update().layout.clone());
            while state.follow(self.node.me(), &known) {}
            self.join(&mut state).await;
            if let Err(error) = self.adopt(state).await {
                return error;
            }
            self.node.forget_fellows();
            let report = self.report(&checked.borrow_and_update());
            self.gossip.publish(&report).await;
            let change = async {
                tokio::select! {
                    _ = reports.changed() => {}
                    _ = checked.changed() => {}
                    _ = members.changed() => {}
                    () = self.shutdown.leaving(), if !self.is_stopping() => {}
                }
            };
            // What failed is tried again.
            let _ = timeout(self.node.timing.seek, change).await;
        }
    }

    fn is_stopping(&self) -> bool {
        self.shutdown.stage() >= Stage::Leaving
    }

    fn report(&self, checked: &BTreeMap<String, u64>) -> Report {
        let state = self.node.state();
        Report {
            stamp: state.stamp,
            target: state.target().id(),
            step: state.step(),
            checked: checked.clone(),
            stopping: self.is_stopping(),
        }
    }

    /// A blank peer joins once all others have given it what it must have.
    async fn join(&self, state: &mut State) {
        let (me, reports) = (self.node.me(), self.node.reports());
        if state.phase != Phase::Blank || !state.is_checked_by_all(me, &reports) {
            return;
        }
        let mut heard = BTreeMap::new();
        for other in state.wanted.members().iter().filter(|name| *name != me) {
            let within = self.node.timing.attempt;
            let Ok(stands) = self.node.ask(other, &Stand {}, within).await else { return };
            heard.insert(other.clone(), stands);
        }
        state.join(&heard);
    }

    /// Puts a state on disk and then into force.
    async fn adopt(&self, state: State) -> Result<(), VolumeError> {
        let before = self.node.state();
        if *before == state {
            return Ok(());
        }
        let standing = match &state.phase {
            Phase::Active(standing) => Some(standing.clone()),
            Phase::Blank | Phase::Away => None,
        };
        let saved = Saved { generation: self.generation, standing };
        let volume = self.volume.clone();
        let saving = tokio::task::spawn_blocking(move || volume.save(&saved));
        // Only a runtime that ends cancels it.
        saving.await.unwrap_or(Ok(()))?;
        if before.phase != state.phase {
            let members: Vec<&str> = state.target().members().iter().map(String::as_str).collect();
            let members = members.join(" ");
            tracing::info!(step = ?state.step(), members, "membership");
        }
        self.node.state.send_replace(Arc::new(state));
        Ok(())
    }
}
