//! What all parts of a running peer share.

use super::{
    client::{PeerAddress, PeerClient, PeerRequestError},
    cluster_view::ClusterView,
    hints::RepairQueue,
    members::Members,
    metrics::PeerMetrics,
    phase::{MemberState, Phase},
    probe::PeersEdge,
    quorum::Quorum,
    replica::{Replica, ReplicaError},
    replication::ReplicationProgress,
    report::Reports,
    timing::Timing,
    transition::LayoutTransition,
    wire::{ItemCopy, ListReply, ListRequest, PeerRequest, ReadReply, ReadRequest, WriteRequest},
};
use crate::runtime::VersionClock;
use maquette_contract::{ItemKey, Version};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::{sync::watch, time::Instant};

/// A running peer.
pub(super) struct PeerState {
    name: String,
    overlay: String,
    replica: Replica,
    client: PeerClient,
    /// Gives versions to the writes that this peer coordinates.
    pub(super) clock: VersionClock,
    /// How long it waits for what.
    pub(super) timing: Timing,
    /// What it counts.
    pub(super) metrics: PeerMetrics,
    /// Items that may lack a copy after a write.
    pub(super) repair_queue: RepairQueue,
    /// The edge to its fellows.
    pub(super) edge: PeersEdge,
    /// Which of its items have all their copies.
    pub(super) replication: ReplicationProgress,
    /// Its part in the whole; changed only by `membership`.
    pub(super) state: watch::Sender<Arc<MemberState>>,
    /// What it knows of all peers; changed only by `gossip`.
    pub(super) reports: watch::Sender<Arc<Reports>>,
    /// The members that the configuration names.
    pub(super) members: watch::Receiver<Members>,
}

/// What a peer is made of.
pub(super) struct PeerParts {
    pub(super) name: String,
    pub(super) overlay: String,
    pub(super) replica: Replica,
    pub(super) state: MemberState,
    pub(super) members: watch::Receiver<Members>,
    pub(super) timing: Timing,
}

impl PeerState {
    pub(super) fn new(parts: PeerParts) -> Self {
        let PeerParts { name, overlay, replica, state, members, timing } = parts;
        Self {
            clock: VersionClock::new(&name),
            name,
            overlay,
            replica,
            client: PeerClient::new(timing.connect_timeout),
            timing,
            metrics: PeerMetrics::default(),
            repair_queue: RepairQueue::default(),
            edge: PeersEdge::default(),
            replication: ReplicationProgress::default(),
            state: watch::Sender::new(Arc::new(state)),
            reports: watch::Sender::default(),
            members,
        }
    }

    /// This peer's name.
    pub(super) fn me(&self) -> &str {
        &self.name
    }

    /// The copies on this peer's disk.
    pub(super) fn replica(&self) -> &Replica {
        &self.replica
    }

    /// This peer's part in the whole, as of now.
    pub(super) fn state(&self) -> Arc<MemberState> {
        Arc::clone(&self.state.borrow())
    }

    /// What is known of all peers, as of now.
    pub(super) fn reports(&self) -> Arc<Reports> {
        Arc::clone(&self.reports.borrow())
    }

    /// Where this peer stands; none while it answers no requests.
    pub(super) fn transition(&self) -> Option<LayoutTransition> {
        match &self.state.borrow().phase {
            Phase::Active(standing) => Some(standing.clone()),
            Phase::Joining | Phase::Removed => None,
        }
    }

    /// Whether what this peer does not have, nobody has given it.
    pub(super) fn counts_for_quorum(&self) -> bool {
        self.state.borrow().counts_for_quorum()
    }

    /// What it takes to read or write an item now; none while this peer answers no requests.
    pub(super) fn quorum_for(&self, key: &ItemKey) -> Option<Quorum> {
        match &self.state.borrow().phase {
            Phase::Active(standing) => Some(Quorum::new(standing, key)),
            Phase::Joining | Phase::Removed => None,
        }
    }

    /// Whom requests to a peer are meant for; see [`super::wire::TO`].
    pub(super) fn recipient(&self, name: &str) -> String {
        format!("{}/{name}", self.overlay)
    }

    /// Where a peer is: where its gossip comes from while it is up, which is known sooner than its
    /// name leads there after a restart; else where its name leads.
    fn locate_peer(&self, name: &str) -> Option<PeerAddress> {
        let seen = self.reports.borrow().0.get(name).filter(|seen| seen.live).map(|s| s.address);
        let configured = || self.members.borrow().address_of(name).map(|address| address.0.clone());
        let address = seen.map(|address| address.to_string()).or_else(configured)?;
        Some(PeerAddress { address, recipient: self.recipient(name) })
    }

    /// Closes connections to peers that nobody needs any more.
    pub(super) fn close_unused_connections(&self) {
        let (members, reports) = (self.members.borrow(), self.reports.borrow());
        self.client.retain_peers(|name| members.layout.has_member(name) || reports.is_live(name));
    }

    /// Asks another peer, once.
    pub(super) async fn send_request<M: PeerRequest>(
        &self,
        name: &str,
        message: &M,
        within: Duration,
    ) -> Result<M::Response, PeerRequestError> {
        let target = self.locate_peer(name).ok_or(PeerRequestError::UnknownAddress)?;
        let start = Instant::now();
        let answer = self.client.send_request(name, target, message, within).await;
        // One that is known to be down says nothing about the edge.
        if answer.is_ok() || self.reports.borrow().is_live(name) {
            self.edge.record_request(start.elapsed(), answer.is_err());
        }
        answer
    }

    /// Items held, and those of them that are not known to have all their copies.
    pub(super) fn count_items(&self) -> (u64, u64) {
        let held = self.replica.count();
        let (state, reports) = (self.state(), self.reports());
        let now = ClusterView::new(&self.name, &state, &reports, &BTreeSet::new());
        // Others came or went, or will by the configuration: nothing is known for sure any more.
        let moves = *state.target() != self.members.borrow().layout;
        if moves || now.is_some_and(|now| !self.replication.is_about(&now)) {
            return (held, held.max(u64::from(moves)));
        }
        (held, self.replication.under_replicated() + self.repair_queue.count())
    }

    /// Asks a peer, which may be this one, what it holds of an item.
    pub(super) async fn read_copy(
        &self,
        name: &str,
        read: &ReadRequest,
    ) -> Result<ReadReply, PeerRequestError> {
        if name != self.name {
            return self.send_request(name, read, self.timing.attempt_timeout).await;
        }
        let votes = self.counts_for_quorum();
        let held = self.replica.read_copy(&read.key, read.version_only, votes).await;
        held.map_err(|error| local_failure(&error))
    }

    /// Gives copies to a peer, which may be this one, and gets the versions that it then has on
    /// disk.
    pub(super) async fn write_copies(
        &self,
        name: &str,
        copies: Vec<ItemCopy>,
    ) -> Result<Vec<Version>, PeerRequestError> {
        if name != self.name {
            return self
                .send_request(name, &WriteRequest { copies }, self.timing.attempt_timeout)
                .await;
        }
        self.replica.write_if_newer(copies).await.map_err(|error| local_failure(&error))
    }

    /// A page of what a peer, which may be this one, holds.
    pub(super) async fn list_page(
        &self,
        name: &str,
        page: ListRequest,
    ) -> Result<ListReply, PeerRequestError> {
        if name != self.name {
            return self.send_request(name, &page, self.timing.attempt_timeout).await;
        }
        super::server::local_page(self, page).await.map_err(|error| local_failure(&error))
    }
}

/// This peer's own disk failed.
fn local_failure(error: &ReplicaError) -> PeerRequestError {
    PeerRequestError::Refused(hyper::StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}
