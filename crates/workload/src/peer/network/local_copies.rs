//! Replies from this peer's own disk, to other peers and to itself.

use super::{
    attestation::{Attestation, AttestationMessage, OperationTerms},
    wire::{ListReply, ListRequest, ReadReply, ReadRequest, WriteReply, WriteRequest},
};
use crate::peer::{
    membership::{PeerState, Refusal},
    replica::{Replica, ReplicaError, StoredCopy},
};
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
        let (version, record, damaged) =
            match self.replica.read_copy(&read.key, read.version_only).await? {
                StoredCopy::Absent => (None, None, false),
                StoredCopy::Intact(version, record) => (Some(version), record, false),
                StoredCopy::Damaged => (None, None, true),
            };
        let counts_for_quorum = state.votes_for(self.peer.name(), &read.key);
        let attestation = self.attest(&read.terms, refusal);
        Ok(ReadReply { counts_for_quorum, version, record, damaged, attestation })
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

    fn attest(&self, terms: &OperationTerms, refusal: Option<Refusal>) -> AttestationMessage {
        let (volume, others) = (self.peer.volume(), self.peer.known_volumes());
        AttestationMessage::new(Attestation { volume, others, refusal }, terms)
    }
}
