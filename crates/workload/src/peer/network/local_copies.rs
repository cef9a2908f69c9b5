//! Replies from this peer's own disk, to other peers and to itself.

use super::{
    attestation::{Attestation, AttestationMessage, OperationTerms},
    wire::{ListReply, ListRequest, ReadReply, ReadRequest, WriteReply, WriteRequest},
};
use crate::{
    peer::{
        membership::{MemberState, PeerState, Refusal},
        replica::{ItemCopy, Replica, ReplicaError, StoredCopy},
    },
    runtime::wall_millis,
};
use maquette_contract::ItemKey;
use std::sync::Arc;

/// Items in one page of a list.
const PAGE_ITEMS: usize = 1000;

/// The copies on this peer's disk, and whether they count for a quorum.
#[derive(Clone)]
pub(crate) struct LocalCopies {
    peer: Arc<PeerState>,
    replica: Replica,
}

impl LocalCopies {
    pub(crate) fn new(peer: Arc<PeerState>, replica: Replica) -> Self {
        Self { peer, replica }
    }

    pub(super) fn peer(&self) -> &PeerState {
        &self.peer
    }

    pub(super) fn replica(&self) -> &Replica {
        &self.replica
    }

    pub(super) async fn read_copy(&self, read: &ReadRequest) -> Result<ReadReply, ReplicaError> {
        // Before the disk is read: the copy of a peer that joins meanwhile does not count yet.
        let state = self.peer.member();
        let refusal = state.check_read(&read.terms.fence).err();
        let reply = self.read_in_state(&state, &read.key, read.version_only).await?;
        Ok(ReadReply { attestation: self.attest(&read.terms, refusal), ..reply })
    }

    /// The copy, whatever layouts a request is under; it attests nothing.
    pub(super) async fn read_unfenced(
        &self,
        key: &ItemKey,
        version_only: bool,
    ) -> Result<ReadReply, ReplicaError> {
        let state = self.peer.member();
        self.read_in_state(&state, key, version_only).await
    }

    async fn read_in_state(
        &self,
        state: &MemberState,
        key: &ItemKey,
        version_only: bool,
    ) -> Result<ReadReply, ReplicaError> {
        let mut reply = ReadReply {
            counts_for_quorum: state.votes_for(self.peer.name(), key),
            version: None,
            record: None,
            deleted: false,
            damaged: false,
            attestation: AttestationMessage::unattested(),
        };
        match self.replica.read_copy(key, version_only).await? {
            StoredCopy::Absent => {}
            StoredCopy::Intact { version, deleted, record } => {
                (reply.version, reply.deleted, reply.record) = (Some(version), deleted, record);
            }
            StoredCopy::Damaged => reply.damaged = true,
        }
        Ok(reply)
    }

    /// Checks copies that another peer sends.
    ///
    /// # Errors
    /// If a version is too far ahead of the own clock, or this peer may not store copies yet.
    pub(super) fn check_received(&self, copies: &[ItemCopy]) -> Result<(), ReplicaError> {
        let now = wall_millis();
        for copy in copies {
            copy.record.version.check_not_ahead(now)?;
        }
        if !self.peer.member().trust.known {
            return Err(ReplicaError::NewVolume);
        }
        Ok(())
    }

    pub(super) async fn write_copies(
        &self,
        write: WriteRequest,
    ) -> Result<WriteReply, ReplicaError> {
        let WriteRequest { copies, terms } = write;
        let versions = self.replica.write_if_newer(copies).await?;
        let attestation = terms.map(|terms| {
            // Once the copies are on disk: a sweep that starts after this check finds them.
            let refusal = self.peer.member().check_write(&terms.fence).err();
            self.attest(&terms, refusal)
        });
        Ok(WriteReply { versions, attestation })
    }

    pub(super) async fn list_items(&self, list: ListRequest) -> Result<ListReply, ReplicaError> {
        let state = self.peer.member();
        let refusal = state.check_read(&list.fence).err();
        let items = self.replica.list_items(list.after.as_deref(), PAGE_ITEMS).await?;
        Ok(ListReply { counts_for_quorum: state.counts_for_quorum(), items, refusal })
    }

    /// A page of the list, whatever layouts a request is under.
    pub(super) async fn list_unfenced(
        &self,
        after: Option<&str>,
    ) -> Result<ListReply, ReplicaError> {
        let counts_for_quorum = self.peer.member().counts_for_quorum();
        let items = self.replica.list_items(after, PAGE_ITEMS).await?;
        Ok(ListReply { counts_for_quorum, items, refusal: None })
    }

    fn attest(&self, terms: &OperationTerms, refusal: Option<Refusal>) -> AttestationMessage {
        let (volume, others) = (self.peer.volume(), self.peer.known_volumes());
        AttestationMessage::new(Attestation { volume, others, refusal }, terms)
    }
}
