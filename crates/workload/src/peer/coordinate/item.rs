//! Reads and writes of one item: what they read from a quorum, and what they write to one.

use super::{
    item_request::{Holders, ItemRequest},
    quorum_read::QuorumRead,
    unavailable::Unavailable,
};
use crate::backend::{ItemWrite, WrittenItem};
use crate::peer::network::can_keep_content;
use crate::runtime::RETRY_BACKOFF;
use maquette_contract::{Content, RecentRequests, Record};
use tokio::time::{Instant, sleep};

impl ItemRequest<'_> {
    /// The item; `None` if it certainly does not exist. No later read returns an older version.
    pub(crate) async fn read(&self) -> Result<Option<Record>, Unavailable> {
        let read = self.read_from_quorum(false).await?;
        let QuorumRead { record: Some(record), holders, stale, volumes, .. } = read else {
            return Ok(None);
        };
        if !self.quorum().is_some_and(|quorum| quorum.is_durable_on(&holders)) {
            // The write may have reached too few disks: a later read could miss it. Read repair.
            self.coordinator.metrics.read_repairs.inc();
            self.write_to_quorum(&record, Holders { names: holders, volumes }).await?;
        } else if !stale.is_empty() {
            self.coordinator.repair_queue.add_item(self.key.clone());
        }
        Ok(Some(record))
    }

    /// Writes the item, with a version later than that of every acknowledged write.
    /// Its precondition is not looked at.
    pub(crate) async fn write(&self, write: &ItemWrite) -> Result<WrittenItem, Unavailable> {
        self.check_earlier_peers(&write.content)?;
        let read = self.read_from_quorum(true).await?;
        let version = self.coordinator.clock.next_version(read.newest.as_ref());
        let requests = RecentRequests::default().with(write.request, version.clone());
        let record = Record { version, content: write.content.clone(), requests };
        self.write_to_quorum(&record, Holders::default()).await?;
        Ok(WrittenItem { record, is_new: read.newest.is_none() || read.is_deleted })
    }

    /// The result of a write that was sent before, whose sender does not know its outcome.
    ///
    /// Peers have no single owner of an item that could order two attempts: an attempt at another
    /// peer may still be under way, with a version that is not known here. A second one would have
    /// another version, so that the write could take effect twice, with another write in between. So
    /// the write is never made here: this waits until the first attempt has made it.
    pub(crate) async fn wait_for_write(
        &self,
        write: &ItemWrite,
    ) -> Result<WrittenItem, Unavailable> {
        let mut backoff = RETRY_BACKOFF;
        loop {
            let current = self.read().await?;
            let made = current.as_ref().and_then(|it| it.requests.version_of(write.request));
            if let Some(version) = made {
                return Ok(write.repeated(version.clone()));
            }
            let pause = backoff.next_pause();
            if Instant::now() + pause >= self.deadline {
                return Err(Unavailable::UnknownOutcome { key: self.key.clone() });
            }
            sleep(pause).await;
        }
    }

    /// Before a copy is sent to any owner: one that some owners cannot keep stays under-replicated.
    fn check_earlier_peers(&self, content: &Content) -> Result<(), Unavailable> {
        if self.coordinator.peer.has_earlier_peers() && !can_keep_content(content) {
            return Err(Unavailable::EarlierPeers { key: self.key.clone() });
        }
        Ok(())
    }

    /// Ensures that every later read finds this version of the item or a newer one. Idempotent.
    pub(crate) async fn store(&self, record: &Record) -> Result<(), Unavailable> {
        self.check_earlier_peers(&record.content)?;
        // An owner that has a newer version keeps that and acknowledges.
        self.write_to_quorum(record, Holders::default()).await
    }
}
