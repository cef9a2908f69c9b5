//! How many of this peer's items have all their copies, as far as it knows.

use crate::runtime::lock;
use std::{collections::BTreeMap, sync::Mutex};
use tokio::sync::{Notify, watch};

/// What is known of the wholeness of this peer's items.
#[derive(Debug, Default)]
pub(super) struct Wholeness {
    counts: Mutex<Counts>,
    /// The peers that have all that this one can give them; see [`super::report::Report::checked`].
    pub(super) checked: watch::Sender<BTreeMap<String, u64>>,
    doubts: Notify,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    /// Items held.
    held: u64,
    /// Items not checked since others came or went.
    unchecked: u64,
    /// Items checked and found to lack a copy.
    lacking: u64,
}

impl Wholeness {
    /// Others came or went: of these items nothing is known any more.
    pub(super) fn unknown(&self, held: u64) {
        *lock(&self.counts) = Counts { held, unchecked: held, lacking: 0 };
    }

    /// So many were checked, of which some lack a copy.
    pub(super) fn checked(&self, items: u64, lacking: u64) {
        let mut counts = lock(&self.counts);
        counts.unchecked = counts.unchecked.saturating_sub(items);
        counts.lacking += lacking;
    }

    /// All were checked.
    pub(super) fn done(&self, held: u64) {
        let mut counts = lock(&self.counts);
        (counts.held, counts.unchecked) = (held, 0);
    }

    /// So many items are held.
    pub(super) fn holds(&self, held: u64) {
        lock(&self.counts).held = held;
    }

    /// Items held, as of the last count, and those of them that are not known to be whole.
    pub(super) fn counts(&self) -> (u64, u64) {
        let counts = *lock(&self.counts);
        (counts.held, counts.unchecked + counts.lacking)
    }

    /// All items had better be checked again.
    pub(super) fn doubt(&self) {
        self.doubts.notify_one();
    }

    /// Ends when there is doubt.
    pub(super) async fn doubted(&self) {
        self.doubts.notified().await;
    }
}
