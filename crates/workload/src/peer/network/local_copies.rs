//! Replies from this peer's own disk, to other peers and to itself.

use super::wire::{ListReply, ListRequest, ReadReply, ReadRequest};
use crate::peer::{
    membership::PeerState,
    replica::{Replica, ReplicaError},
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
        let counts_for_quorum = self.peer.counts_for_quorum();
        let copy = self.replica.read_copy(&read.key, read.version_only).await?;
        let (version, record) =
            copy.map_or((None, None), |(version, record)| (Some(version), record));
        Ok(ReadReply { counts_for_quorum, version, record })
    }

    pub(super) async fn list_items(&self, list: ListRequest) -> Result<ListReply, ReplicaError> {
        let counts_for_quorum = self.peer.counts_for_quorum();
        let items = self.replica.list_items(list.after.as_deref(), PAGE_ITEMS).await?;
        Ok(ListReply { counts_for_quorum, items })
    }
}
