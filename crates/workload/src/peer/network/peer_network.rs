//! Requests to the peers by name, this one included.

use super::{
    client::{PeerAddress, PeerClient, PeerRequestError},
    edge::PeersEdge,
    local_copies::LocalCopies,
    wire::{
        GetTransition, ListReply, ListRequest, PeerRequest, ReadReply, ReadRequest, WriteRequest,
    },
};
use crate::peer::{
    membership::{MemberLinks, PeerState, PeerTransition},
    replica::{ItemCopy, ReplicaError},
    timing::Timing,
};
use maquette_contract::Version;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// Sends requests to peers by name. Those to this peer itself go straight to its own disk.
pub(crate) struct PeerNetwork {
    peer: Arc<PeerState>,
    local: LocalCopies,
    overlay: String,
    client: PeerClient,
    edge: PeersEdge,
    attempt_timeout: Duration,
}

impl PeerNetwork {
    /// `overlay` separates the peers of different Architectures.
    pub(crate) fn new(
        peer: Arc<PeerState>,
        local: LocalCopies,
        overlay: String,
        timing: &Timing,
    ) -> Self {
        Self {
            peer,
            local,
            overlay,
            client: PeerClient::new(timing.connect_timeout),
            edge: PeersEdge::default(),
            attempt_timeout: timing.attempt_timeout,
        }
    }

    pub(super) fn peer(&self) -> &PeerState {
        &self.peer
    }

    /// The edge from the peers to themselves.
    pub(crate) fn edge(&self) -> &PeersEdge {
        &self.edge
    }

    /// The value of [`super::wire::PEER_HEADER`] for requests to a peer.
    fn peer_header(&self, name: &str) -> String {
        format!("{}/{name}", self.overlay)
    }

    /// The value of [`super::wire::PEER_HEADER`] for requests to this peer.
    pub(crate) fn own_peer_header(&self) -> String {
        self.peer_header(self.peer.name())
    }

    /// Sends a request to another peer, once.
    pub(crate) async fn send_request<M: PeerRequest>(
        &self,
        name: &str,
        message: &M,
    ) -> Result<M::Response, PeerRequestError> {
        let address = self.peer.address_of(name).ok_or(PeerRequestError::UnknownAddress)?;
        let recipient = {
            let own = &self.peer.members().identity;
            own.recipient(Some(&own.component))
        };
        let target = PeerAddress { address, peer: self.peer_header(name), recipient };
        let start = Instant::now();
        let reply = self.client.send_request(name, target, message, self.attempt_timeout).await;
        // The edge is between live peers: failed requests to peers that are down do not count.
        if reply.is_ok() || self.peer.reports().is_live(name) {
            self.edge.record_request(start.elapsed(), reply.is_err());
        }
        reply
    }

    /// Reads the copy that a peer holds of an item.
    pub(crate) async fn read_copy(
        &self,
        name: &str,
        read: &ReadRequest,
    ) -> Result<ReadReply, PeerRequestError> {
        if name != self.peer.name() {
            let reply = self.send_request(name, read).await?;
            if !reply.is_complete(read.version_only) {
                return Err(PeerRequestError::Malformed("it has no record".to_owned()));
            }
            return Ok(reply);
        }
        self.local.read_copy(read).await.map_err(|error| local_failure(&error))
    }

    /// Writes copies to a peer. Returns the versions that are on its disk then.
    pub(crate) async fn write_copies(
        &self,
        name: &str,
        copies: Vec<ItemCopy>,
    ) -> Result<Vec<Version>, PeerRequestError> {
        if name != self.peer.name() {
            return self.send_request(name, &WriteRequest { copies }).await;
        }
        self.local.replica().write_if_newer(copies).await.map_err(|error| local_failure(&error))
    }

    /// Lists a page of the items that a peer holds.
    pub(crate) async fn list_page(
        &self,
        name: &str,
        list: ListRequest,
    ) -> Result<ListReply, PeerRequestError> {
        if name != self.peer.name() {
            return self.send_request(name, &list).await;
        }
        self.local.list_items(list).await.map_err(|error| local_failure(&error))
    }
}

impl MemberLinks for PeerNetwork {
    async fn get_transition(&self, name: &str) -> Option<PeerTransition> {
        self.send_request(name, &GetTransition {}).await.ok()
    }

    fn close_unused_connections(&self) {
        self.client.retain_peers(|name| self.peer.is_known(name));
    }
}

/// This peer's own disk failed; the same status as if another peer's disk had failed.
fn local_failure(error: &ReplicaError) -> PeerRequestError {
    PeerRequestError::Refused(hyper::StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}
