//! What all parts of a running peer share.

use super::{
    fellows::{AskError, Fellows, Target},
    gauge::Meters,
    heal::Unhealed,
    members::Members,
    phase::{Phase, State},
    probe::PeersEdge,
    quorum::Quorum,
    replica::{Replica, ReplicaError},
    report::Reports,
    situation::Situation,
    standing::Standing,
    timing::Timing,
    whole::Wholeness,
    wire::{Copy, Held, Listed, Message, Page, Read, Write},
};
use crate::runtime::VersionClock;
use maquette_contract::{ItemKey, Version};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::{sync::watch, time::Instant};

/// A running peer.
pub(super) struct Node {
    me: String,
    overlay: String,
    replica: Replica,
    fellows: Fellows,
    /// Gives versions to the writes that this peer coordinates.
    pub(super) clock: VersionClock,
    /// How long it waits for what.
    pub(super) timing: Timing,
    /// What it counts.
    pub(super) meters: Meters,
    /// Items that may lack a copy after a write.
    pub(super) unhealed: Unhealed,
    /// The edge to its fellows.
    pub(super) edge: PeersEdge,
    /// Which of its items have all their copies.
    pub(super) wholeness: Wholeness,
    /// Its part in the whole; changed only by `membership`.
    pub(super) state: watch::Sender<Arc<State>>,
    /// What it knows of all peers; changed only by `gossip`.
    pub(super) reports: watch::Sender<Arc<Reports>>,
    /// The members that the configuration names.
    pub(super) members: watch::Receiver<Members>,
}

/// What a peer is made of.
pub(super) struct Parts {
    pub(super) me: String,
    pub(super) overlay: String,
    pub(super) replica: Replica,
    pub(super) state: State,
    pub(super) members: watch::Receiver<Members>,
    pub(super) timing: Timing,
}

impl Node {
    pub(super) fn new(parts: Parts) -> Self {
        let Parts { me, overlay, replica, state, members, timing } = parts;
        Self {
            clock: VersionClock::new(&me),
            me,
            overlay,
            replica,
            fellows: Fellows::new(timing.connect),
            timing,
            meters: Meters::default(),
            unhealed: Unhealed::default(),
            edge: PeersEdge::default(),
            wholeness: Wholeness::default(),
            state: watch::Sender::new(Arc::new(state)),
            reports: watch::Sender::default(),
            members,
        }
    }

    /// This peer's name.
    pub(super) fn me(&self) -> &str {
        &self.me
    }

    /// The copies on this peer's disk.
    pub(super) fn replica(&self) -> &Replica {
        &self.replica
    }

    /// This peer's part in the whole, as of now.
    pub(super) fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.borrow())
    }

    /// What is known of all peers, as of now.
    pub(super) fn reports(&self) -> Arc<Reports> {
        Arc::clone(&self.reports.borrow())
    }

    /// Where this peer stands; none while it answers no requests.
    pub(super) fn standing(&self) -> Option<Standing> {
        match &self.state.borrow().phase {
            Phase::Active(standing) => Some(standing.clone()),
            Phase::Blank | Phase::Away => None,
        }
    }

    /// Whether what this peer does not have, nobody has given it.
    pub(super) fn votes(&self) -> bool {
        self.state.borrow().votes()
    }

    /// What it takes to read or write an item now; none while this peer answers no requests.
    pub(super) fn quorum(&self, key: &ItemKey) -> Option<Quorum> {
        match &self.state.borrow().phase {
            Phase::Active(standing) => Some(Quorum::new(standing, key)),
            Phase::Blank | Phase::Away => None,
        }
    }

    /// Whom requests to a peer are meant for; see [`super::wire::TO`].
    pub(super) fn addressee(&self, name: &str) -> String {
        format!("{}/{name}", self.overlay)
    }

    /// Where a peer is: where its gossip comes from while it is up, which is known sooner than its
    /// name leads there after a restart; else where its name leads.
    fn target(&self, name: &str) -> Option<Target> {
        let seen = self.reports.borrow().0.get(name).filter(|seen| seen.live).map(|s| s.address);
        let configured = || self.members.borrow().address(name).map(|address| address.0.clone());
        let address = seen.map(|address| address.to_string()).or_else(configured)?;
        Some(Target { address, to: self.addressee(name) })
    }

    /// Closes connections to peers that nobody needs any more.
    pub(super) fn forget_fellows(&self) {
        let (members, reports) = (self.members.borrow(), self.reports.borrow());
        self.fellows.retain(|name| members.layout.has(name) || reports.is_live(name));
    }

    /// Asks another peer, once.
    pub(super) async fn ask<M: Message>(
        &self,
        name: &str,
        message: &M,
        within: Duration,
    ) -> Result<M::Answer, AskError> {
        let target = self.target(name).ok_or(AskError::Unknown)?;
        let start = Instant::now();
        let answer = self.fellows.ask(name, target, message, within).await;
        // One that is known to be down says nothing about the edge.
        if answer.is_ok() || self.reports.borrow().is_live(name) {
            self.edge.record(start.elapsed(), answer.is_err());
        }
        answer
    }

    /// Items held, and those of them that are not known to have all their copies.
    pub(super) fn counted(&self) -> (u64, u64) {
        let held = self.replica.count();
        let (state, reports) = (self.state(), self.reports());
        let now = Situation::new(&self.me, &state, &reports, &BTreeSet::new());
        // Others came or went, or will by the configuration: nothing is known for sure any more.
        let moves = *state.target() != self.members.borrow().layout;
        if moves || now.is_some_and(|now| !self.wholeness.is_about(&now)) {
            return (held, held.max(u64::from(moves)));
        }
        (held, self.wholeness.not_whole() + self.unhealed.count())
    }

    /// Asks a peer, which may be this one, what it holds of an item.
    pub(super) async fn ask_read(&self, name: &str, read: &Read) -> Result<Held, AskError> {
        if name != self.me {
            return self.ask(name, read, self.timing.attempt).await;
        }
        let votes = self.votes();
        let held = self.replica.read(&read.key, read.version_only, votes).await;
        held.map_err(|error| own(&error))
    }

    /// Gives copies to a peer, which may be this one, and gets the versions that it then has on
    /// disk.
    pub(super) async fn ask_write(
        &self,
        name: &str,
        copies: Vec<Copy>,
    ) -> Result<Vec<Version>, AskError> {
        if name != self.me {
            return self.ask(name, &Write { copies }, self.timing.attempt).await;
        }
        self.replica.keep(copies).await.map_err(|error| own(&error))
    }

    /// A page of what a peer, which may be this one, holds.
    pub(super) async fn ask_page(&self, name: &str, page: Page) -> Result<Listed, AskError> {
        if name != self.me {
            return self.ask(name, &page, self.timing.attempt).await;
        }
        super::serve::answer_page(self, page).await.map_err(|error| own(&error))
    }
}

/// This peer's own disk failed.
fn own(error: &ReplicaError) -> AskError {
    AskError::Refused(hyper::StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}
