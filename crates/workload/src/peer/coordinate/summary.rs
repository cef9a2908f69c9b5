//! The summary of all items that the peers hold.

use super::{
    coordinator::Coordinator,
    scan::{Collector, collect_items},
    unavailable::Unavailable,
};
use crate::{backend::QueryLog, peer::replica::ListedItem};
use maquette_contract::Summary;
use std::ops::ControlFlow;
use tokio::time::Instant;

/// The most items that a summary counts; beyond that it is marked as truncated.
const MAX_ITEMS: usize = 100_000;

impl Coordinator {
    /// The summary of all items that the peers hold.
    pub(crate) async fn summarize(
        &self,
        deadline: Instant,
        log: QueryLog<'_>,
    ) -> Result<Summary, Unavailable> {
        let sum: SummaryCollector = collect_items(self, None, deadline, log).await?;
        Ok(sum.summary)
    }
}

/// Adds up the items of a scan.
#[derive(Debug, Default)]
struct SummaryCollector {
    summary: Summary,
    scanned: usize,
}

impl Collector for SummaryCollector {
    fn add_item(&mut self, item: ListedItem) -> ControlFlow<()> {
        if self.scanned == MAX_ITEMS {
            self.summary.truncated = true;
            return ControlFlow::Break(());
        }
        self.scanned += 1;
        // An item that is deleted, or of which no copy is intact, is not counted.
        let Some(bytes) = item.bytes else { return ControlFlow::Continue(()) };
        let collection = self.summary.collections.entry(item.key.collection).or_default();
        collection.items += 1;
        collection.bytes += bytes;
        collection.newest = collection.newest.take().max(item.version);
        ControlFlow::Continue(())
    }
}
