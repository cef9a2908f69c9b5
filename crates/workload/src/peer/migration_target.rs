//! The peers as the new home of items that were elsewhere before; see [`crate::origin`].

use super::{
    coordinator::ItemRequest,
    handle::PeerHandle,
    layout::Layout,
    peer_state::PeerState,
    phase::Phase,
    wire::{ItemCopy, ItemVersion},
};
use crate::{
    backend::{BackendError, QueryContext},
    migration::{BackfillSink, MigrationTarget},
};
use maquette_contract::{ItemKey, Record, Version};
use std::sync::Arc;

/// For requests: all peers, by quorum.
impl MigrationTarget for PeerHandle {
    async fn read_item(
        &self,
        asking: &QueryContext<'_>,
        key: &ItemKey,
    ) -> Result<Option<Record>, BackendError> {
        self.read_item(key, asking.deadline(), asking.log).await.map_err(unavailable)
    }

    async fn read_version(
        &self,
        asking: &QueryContext<'_>,
        key: &ItemKey,
    ) -> Result<Option<Version>, BackendError> {
        let (deadline, note) = (asking.deadline(), asking.log);
        let operation = ItemRequest { peer: &self.node, key, deadline, log: note };
        operation.read_from_quorum(true).await.map(|found| found.newest).map_err(unavailable)
    }

    async fn put_if_newer(
        &self,
        asking: &QueryContext<'_>,
        key: &ItemKey,
        record: &Record,
    ) -> Result<(), BackendError> {
        self.store_version(key, record, asking.deadline(), asking.log).await.map_err(unavailable)
    }
}

/// For the copy in the background: this peer's own disk, and only the items that it owns. When all
/// peers have copied theirs, every owner has every item.
pub(super) struct OwnedItemsSink {
    node: Arc<PeerState>,
    /// The layout of the configuration under which the copy is made.
    layout: Layout,
}

impl OwnedItemsSink {
    pub(super) fn new(node: &Arc<PeerState>, layout: Layout) -> Self {
        Self { node: Arc::clone(node), layout }
    }
}

impl BackfillSink for OwnedItemsSink {
    /// While members change, owners do: a copy counts that began when that was over, and this peer
    /// had joined if it is new. It is over for one that leaves: it owns nothing.
    async fn wait_until_stable(&self) {
        let mut state = self.node.state.subscribe();
        let settled = state.wait_for(|state| match &state.phase {
            Phase::Active(standing) if self.layout.has_member(self.node.me()) => {
                standing.is_settled() && standing.target() == Some(&self.layout)
            }
            _ => !self.layout.has_member(self.node.me()),
        });
        // The only error is that the node is gone, and this holds it.
        let _ = settled.await;
    }

    async fn is_up_to_date(
        &self,
        _: &QueryContext<'_>,
        key: &ItemKey,
        version: &Version,
    ) -> Result<bool, BackendError> {
        if !self.layout.owners_of(key).contains(&self.node.me()) {
            return Ok(true);
        }
        let mark = ItemVersion { key: key.clone(), version: version.clone() };
        let lacks = self.node.replica().find_missing(&[mark]).await.map_err(unavailable)?;
        Ok(lacks == [false])
    }

    async fn put_if_newer(
        &self,
        _: &QueryContext<'_>,
        key: &ItemKey,
        record: &Record,
    ) -> Result<(), BackendError> {
        let copy = ItemCopy { key: key.clone(), record: record.clone() };
        self.node.replica().write_if_newer(vec![copy]).await.map(drop).map_err(unavailable)
    }
}

fn unavailable(error: impl ToString) -> BackendError {
    BackendError::Unavailable(error.to_string())
}
