//! The summary of all items that the peers hold.

use super::{scan::Collector, wire::ListedItem};
use maquette_contract::Summary;
use std::ops::ControlFlow;

/// The most items that a summary looks at.
const MAX_ITEMS: usize = 100_000;

/// A summary that comes about.
#[derive(Debug, Default)]
pub(super) struct SummaryCollector {
    /// What was added up.
    pub(super) summary: Summary,
    scanned: usize,
}

impl Collector for SummaryCollector {
    fn add_item(&mut self, entry: ListedItem) -> ControlFlow<()> {
        if self.scanned == MAX_ITEMS {
            self.summary.truncated = true;
            return ControlFlow::Break(());
        }
        self.scanned += 1;
        let collection = self.summary.collections.entry(entry.key.collection).or_default();
        collection.items += 1;
        collection.bytes += entry.bytes;
        collection.newest = collection.newest.take().max(Some(entry.version));
        ControlFlow::Continue(())
    }
}
