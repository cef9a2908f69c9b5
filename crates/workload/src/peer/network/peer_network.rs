//! Requests to the peers by name, this one included.

use super::{
    attestation::{Attestation, AttestationMessage, OperationTerms},
    client::{PeerAddress, PeerClient, PeerRequestError},
    earlier_wire::EarlierForm,
    edge::PeersEdge,
    local_copies::LocalCopies,
    wire::{
        GetTransition, ListReply, ListRequest, PeerRequest, ReadReply, ReadRequest, WriteReply,
        WriteRequest,
    },
};
#[cfg(test)]
use crate::peer::tests::links;
use crate::{
    peer::{
        membership::{MemberLinks, PeerState, PeerTransition, Volumes},
        replica::{ItemCopy, ReplicaError},
        timing::Timing,
    },
    runtime::wall_millis,
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

    /// Sends a request to another peer; once more in its earlier form if the peer knows only that.
    pub(super) async fn send_in_known_form<M: EarlierForm>(
        &self,
        name: &str,
        message: &M,
    ) -> Result<M::Response, PeerRequestError> {
        match self.send_request(name, message).await {
            Err(error) if error.is_unknown_path() => {
                let reply = self.send_request(name, &message.to_earlier()?).await?;
                Ok(message.from_earlier(reply))
            }
            reply => reply,
        }
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
        #[cfg(test)]
        let (own, other) = (self.peer.own_address(), target.address.clone());
        #[cfg(test)]
        if links::is_cut(&own, &other) {
            tokio::time::sleep(self.attempt_timeout).await;
            return Err(PeerRequestError::Timeout(self.attempt_timeout.as_millis()));
        }
        let reply = self.client.send_request(name, target, message, self.attempt_timeout).await;
        #[cfg(test)]
        if links::is_cut(&other, &own) {
            tokio::time::sleep(self.attempt_timeout).await;
            return Err(PeerRequestError::Timeout(self.attempt_timeout.as_millis()));
        }
        // The edge is between live peers: failed requests to peers that are down do not count, and
        // one that is sent again in its earlier form is no failure.
        let is_unknown_path = reply.as_ref().is_err_and(PeerRequestError::is_unknown_path);
        if reply.is_ok() || (self.peer.reports().is_live(name) && !is_unknown_path) {
            self.edge.record_request(start.elapsed(), reply.is_err());
        }
        reply
    }

    /// Reads the copy that a peer holds of an item. `known` are the volumes of the request's terms.
    pub(crate) async fn read_copy(
        &self,
        name: &str,
        read: &ReadRequest,
        known: &Volumes,
    ) -> Result<(ReadReply, Attestation), PeerRequestError> {
        let reply = if name == self.peer.name() {
            self.local.read_copy(read).await.map_err(|error| local_failure(&error))?
        } else {
            self.send_in_known_form(name, read).await?
        };
        let attestation = check_attestation(reply.attestation.clone(), known)?;
        if !reply.is_complete(read.version_only) {
            return Err(PeerRequestError::Malformed("it has no record".to_owned()));
        }
        if let Some(version) = &reply.version {
            version
                .check_not_ahead(wall_millis())
                .map_err(|error| PeerRequestError::Malformed(error.to_string()))?;
        }
        Ok((reply, attestation))
    }

    /// Writes copies to a peer. Returns the versions that are on its disk then. `known` are the
    /// volumes of the request's terms.
    pub(crate) async fn write_copies(
        &self,
        name: &str,
        copies: Vec<ItemCopy>,
        terms: OperationTerms,
        known: &Volumes,
    ) -> Result<(Vec<Version>, Attestation), PeerRequestError> {
        let write = WriteRequest { copies, terms: Some(terms) };
        let WriteReply { versions, attestation } = self.send_write(name, write).await?;
        let message = attestation
            .ok_or_else(|| PeerRequestError::Malformed("it attests nothing".to_owned()))?;
        // A version from the future was not made by a write: the copy that was sent is not kept.
        let now = wall_millis();
        for version in &versions {
            version
                .check_not_ahead(now)
                .map_err(|error| PeerRequestError::Malformed(error.to_string()))?;
        }
        Ok((versions, check_attestation(message, known)?))
    }

    async fn send_write(
        &self,
        name: &str,
        write: WriteRequest,
    ) -> Result<WriteReply, PeerRequestError> {
        if name != self.peer.name() {
            return self.send_in_known_form(name, &write).await;
        }
        self.local.write_copies(write).await.map_err(|error| local_failure(&error))
    }

    /// Sends copies to a peer that may lack them; no quorum counts them.
    pub(crate) async fn repair_copies(
        &self,
        name: &str,
        copies: Vec<ItemCopy>,
    ) -> Result<(), PeerRequestError> {
        let write = WriteRequest { copies, terms: None };
        self.send_write(name, write).await.map(drop)
    }

    /// Lists a page of the items that a peer holds.
    pub(crate) async fn list_page(
        &self,
        name: &str,
        list: ListRequest,
    ) -> Result<ListReply, PeerRequestError> {
        let reply = if name == self.peer.name() {
            self.local.list_items(list).await.map_err(|error| local_failure(&error))?
        } else {
            self.send_in_known_form(name, &list).await?
        };
        match reply.refusal {
            Some(refusal) => Err(PeerRequestError::Fenced(refusal)),
            None => Ok(reply),
        }
    }
}

fn check_attestation(
    message: AttestationMessage,
    known: &Volumes,
) -> Result<Attestation, PeerRequestError> {
    match message.resolve(known) {
        Attestation { refusal: Some(refusal), .. } => Err(PeerRequestError::Fenced(refusal)),
        attestation => Ok(attestation),
    }
}

impl MemberLinks for PeerNetwork {
    async fn get_transition(&self, name: &str) -> Option<PeerTransition> {
        self.send_in_known_form(name, &GetTransition {}).await.ok()
    }

    fn close_unused_connections(&self) {
        self.client.retain_peers(|name| self.peer.is_known(name));
    }
}

/// This peer's own disk failed; the same status as if another peer's disk had failed.
fn local_failure(error: &ReplicaError) -> PeerRequestError {
    PeerRequestError::Refused(hyper::StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}
