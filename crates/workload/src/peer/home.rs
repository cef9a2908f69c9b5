//! The peers as the new home of items that were elsewhere before; see [`crate::origin`].

use super::{
    ask::Operation,
    layout::Layout,
    node::Node,
    phase::Phase,
    role::unavailable,
    running::Running,
    wire::{Copy, Mark},
};
use crate::{
    backend::Asking,
    http::Failure,
    migration::{Destination, NewHome},
};
use maquette_contract::{ItemKey, Record, Version};
use std::sync::Arc;

/// For requests: all peers, by quorum.
impl NewHome for Running {
    async fn read(&self, asking: &Asking<'_>, key: &ItemKey) -> Result<Option<Record>, Failure> {
        self.get(key, asking.deadline(), asking.note).await.map_err(unavailable)
    }

    async fn version(
        &self,
        asking: &Asking<'_>,
        key: &ItemKey,
    ) -> Result<Option<Version>, Failure> {
        let (deadline, note) = (asking.deadline(), asking.note);
        let operation = Operation { node: &self.node, key, deadline, note };
        operation.newest(true).await.map(|found| found.newest).map_err(unavailable)
    }

    async fn keep(
        &self,
        asking: &Asking<'_>,
        key: &ItemKey,
        record: &Record,
    ) -> Result<(), Failure> {
        self.keep(key, record, asking.deadline(), asking.note).await.map_err(unavailable)
    }
}

/// For the copy in the background: this peer's own disk, and only the items that it owns. When all
/// peers have copied theirs, every owner has every item.
pub(super) struct OwnShare {
    node: Arc<Node>,
    /// The layout of the configuration under which the copy is made.
    layout: Layout,
}

impl OwnShare {
    pub(super) fn new(node: &Arc<Node>, layout: Layout) -> Self {
        Self { node: Arc::clone(node), layout }
    }
}

impl Destination for OwnShare {
    /// While members change, owners do: a copy counts that began when that was over, and this peer
    /// had joined if it is new. It is over for one that leaves: it owns nothing.
    async fn settled(&self) {
        let mut state = self.node.state.subscribe();
        let settled = state.wait_for(|state| match &state.phase {
            Phase::Active(standing) if self.layout.has(self.node.me()) => {
                standing.is_settled() && standing.target() == Some(&self.layout)
            }
            _ => !self.layout.has(self.node.me()),
        });
        // The only error is that the node is gone, and this holds it.
        let _ = settled.await;
    }

    async fn has(&self, _: &Asking<'_>, key: &ItemKey, version: &Version) -> Result<bool, Failure> {
        if !self.layout.owners(key).contains(&self.node.me()) {
            return Ok(true);
        }
        let mark = Mark { key: key.clone(), version: version.clone() };
        let lacks = self.node.replica().lacks(&[mark]).await.map_err(unavailable)?;
        Ok(lacks == [false])
    }

    async fn keep(&self, _: &Asking<'_>, key: &ItemKey, record: &Record) -> Result<(), Failure> {
        let copy = Copy { key: key.clone(), record: record.clone() };
        self.node.replica().keep(vec![copy]).await.map(drop).map_err(unavailable)
    }
}
