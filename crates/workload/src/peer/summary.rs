//! The summary of all items that the peers hold.

use super::{lists::Gather, wire::Entry};
use maquette_contract::Summary;
use std::ops::ControlFlow;

/// The most items that a summary looks at.
const MOST: usize = 100_000;

/// A summary that comes about.
#[derive(Debug, Default)]
pub(super) struct Sum {
    /// What was added up.
    pub(super) summary: Summary,
    looked_at: usize,
}

impl Gather for Sum {
    fn add(&mut self, entry: Entry) -> ControlFlow<()> {
        if self.looked_at == MOST {
            self.summary.truncated = true;
            return ControlFlow::Break(());
        }
        self.looked_at += 1;
        let collection = self.summary.collections.entry(entry.key.collection).or_default();
        collection.items += 1;
        collection.bytes += entry.bytes;
        collection.newest = collection.newest.take().max(Some(entry.version));
        ControlFlow::Continue(())
    }
}
