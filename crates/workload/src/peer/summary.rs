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
        let kind = self.summary.kinds.entry(entry.key.kind).or_default();
        kind.items += 1;
        kind.bytes += entry.bytes;
        kind.newest = kind.newest.take().max(Some(entry.version));
        ControlFlow::Continue(())
    }
}
