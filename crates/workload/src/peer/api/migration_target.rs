//! The peers as the target of a migration; see [`crate::migration`].

use crate::{
    backend::{BackendError, QueryContext},
    migration::{BackfillSink, MigrationTarget},
    peer::{
        coordinate::Coordinator,
        membership::{Layout, PeerState, Phase},
        replica::{ItemCopy, ItemVersion, Replica},
    },
};
use maquette_contract::{ItemKey, Record, Version};
use std::sync::Arc;

/// For requests: all peers, by quorum.
impl MigrationTarget for Coordinator {
    async fn read_item(
        &self,
        context: &QueryContext<'_>,
        key: &ItemKey,
    ) -> Result<Option<Record>, BackendError> {
        self.item(key, context.deadline(), context.log).read().await.map_err(unavailable)
    }

    async fn read_version(
        &self,
        context: &QueryContext<'_>,
        key: &ItemKey,
    ) -> Result<Option<Version>, BackendError> {
        self.item(key, context.deadline(), context.log)
            .read_from_quorum(true)
            .await
            .map(|read| read.newest)
            .map_err(unavailable)
    }

    async fn put_if_newer(
        &self,
        context: &QueryContext<'_>,
        key: &ItemKey,
        record: &Record,
    ) -> Result<(), BackendError> {
        self.item(key, context.deadline(), context.log).store(record).await.map_err(unavailable)
    }
}

/// For the backfill: this peer's own disk, and only the items that it owns. When all peers have
/// completed their backfill, every owner has its items.
pub(crate) struct OwnedItemsSink {
    peer: Arc<PeerState>,
    replica: Replica,
    /// The layout of the configuration that the backfill runs under.
    layout: Layout,
}

impl OwnedItemsSink {
    pub(crate) fn new(peer: Arc<PeerState>, replica: Replica, layout: Layout) -> Self {
        Self { peer, replica, layout }
    }
}

impl BackfillSink for OwnedItemsSink {
    /// A change of members changes owners: only a backfill counts that started after the transition
    /// and after this peer has joined. A peer that leaves owns nothing and does not wait.
    async fn wait_until_stable(&self) {
        let is_member = self.layout.has_member(self.peer.name());
        let mut state = self.peer.subscribe_member();
        // Fails only when the peer state is dropped, and this holds it.
        let _ = state
            .wait_for(|state| match &state.phase {
                Phase::Active(transition) if is_member => {
                    transition.is_settled() && transition.target() == Some(&self.layout)
                }
                _ => !is_member,
            })
            .await;
    }

    async fn is_up_to_date(
        &self,
        _: &QueryContext<'_>,
        key: &ItemKey,
        version: &Version,
    ) -> Result<bool, BackendError> {
        if !self.layout.owners_of(key).contains(&self.peer.name()) {
            return Ok(true);
        }
        let item = ItemVersion { key: key.clone(), version: version.clone() };
        let missing = self.replica.find_missing(&[item]).await.map_err(unavailable)?;
        Ok(missing == [false])
    }

    async fn put_if_newer(
        &self,
        _: &QueryContext<'_>,
        key: &ItemKey,
        record: &Record,
    ) -> Result<(), BackendError> {
        let copy = ItemCopy { key: key.clone(), record: record.clone() };
        self.replica.write_if_newer(vec![copy]).await.map(drop).map_err(unavailable)
    }
}

fn unavailable(error: impl ToString) -> BackendError {
    BackendError::Unavailable(error.to_string())
}
