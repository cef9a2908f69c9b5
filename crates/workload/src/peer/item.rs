//! Reading and writing an item, as the peer that was asked to.

use super::{ask::Operation, found::Found, unavailable::Unavailable};
use maquette_contract::Record;

impl Operation<'_> {
    /// The item, or none for sure. What one read has told no later one takes back: unless it is
    /// known to be on enough disks, it is written there first.
    pub(super) async fn read(&self) -> Result<Option<Record>, Unavailable> {
        let found = self.newest(false).await?;
        let Found { newest: Some(version), value, holders, stale, .. } = found else {
            return Ok(None);
        };
        let record = Record { version, value: value.unwrap_or_default() };
        let kept = self.node.quorum(self.key).is_some_and(|quorum| quorum.kept(&holders));
        if !kept {
            self.node.meters.read_repairs.inc();
            self.keep(&record, holders).await?;
        } else if !stale.is_empty() {
            self.node.unhealed.add(self.key.clone());
        }
        Ok(Some(record))
    }

    /// Writes the item: acknowledged, it has a version above all that were acknowledged before.
    pub(super) async fn write(&self, value: serde_json::Value) -> Result<Record, Unavailable> {
        let found = self.newest(true).await?;
        let version = self.node.clock.after(found.newest.as_ref());
        let record = Record { version, value };
        self.keep(&record, Default::default()).await?;
        Ok(record)
    }
}
