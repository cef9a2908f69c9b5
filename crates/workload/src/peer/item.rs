//! Reading and writing an item, as the peer that was asked to.

use super::{coordinator::ItemRequest, quorum_read::QuorumRead, unavailable::Unavailable};
use maquette_contract::Record;

impl ItemRequest<'_> {
    /// The item, or none for sure. What one read has told no later one takes back: unless it is
    /// known to be on enough disks, it is written there first.
    pub(super) async fn read(&self) -> Result<Option<Record>, Unavailable> {
        let found = self.read_from_quorum(false).await?;
        let QuorumRead { newest: Some(version), value, holders, stale, .. } = found else {
            return Ok(None);
        };
        let record = Record { version, value: value.unwrap_or_default() };
        let kept =
            self.peer.quorum_for(self.key).is_some_and(|quorum| quorum.is_durable_on(&holders));
        if !kept {
            self.peer.metrics.read_repairs.inc();
            self.write_to_quorum(&record, holders).await?;
        } else if !stale.is_empty() {
            self.peer.repair_queue.add_item(self.key.clone());
        }
        Ok(Some(record))
    }

    /// Writes the item: acknowledged, it has a version above all that were acknowledged before.
    pub(super) async fn write(&self, value: serde_json::Value) -> Result<Record, Unavailable> {
        let found = self.read_from_quorum(true).await?;
        let version = self.peer.clock.next_version(found.newest.as_ref());
        let record = Record { version, value };
        self.write_to_quorum(&record, Default::default()).await?;
        Ok(record)
    }
}
