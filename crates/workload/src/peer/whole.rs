//! How many of this peer's items have all their copies, as far as it knows.

use super::situation::Situation;
use crate::runtime::lock;
use std::{collections::BTreeMap, sync::Mutex};
use tokio::sync::{Notify, watch};

/// What is known of the wholeness of this peer's items.
#[derive(Debug, Default)]
pub(super) struct Wholeness {
    check: Mutex<Check>,
    /// The peers that have all that this one can give them; see [`super::report::Report::checked`].
    pub(super) checked: watch::Sender<BTreeMap<String, u64>>,
    doubts: Notify,
}

/// The newest check of all items.
#[derive(Debug, Default)]
struct Check {
    /// What it is about; none before the first.
    situation: Option<Situation>,
    /// Items that it has not come to yet.
    unchecked: u64,
    /// Items that lack a copy.
    lacking: u64,
}

impl Wholeness {
    /// A check of all `held` items begins.
    pub(super) fn begin(&self, situation: Situation, held: u64) {
        *lock(&self.check) = Check { situation: Some(situation), unchecked: held, lacking: 0 };
    }

    /// It came to so many more, of which some lack a copy.
    pub(super) fn checked(&self, items: u64, lacking: u64) {
        let mut check = lock(&self.check);
        check.unchecked = check.unchecked.saturating_sub(items);
        check.lacking += lacking;
    }

    /// It came to all.
    pub(super) fn done(&self) {
        lock(&self.check).unchecked = 0;
    }

    /// Whether the newest check is about the peers as they are now.
    pub(super) fn is_about(&self, now: &Situation) -> bool {
        lock(&self.check).situation.as_ref().is_some_and(|then| then.same_peers(now))
    }

    /// Items that, by the newest check, are not known to have all their copies.
    pub(super) fn not_whole(&self) -> u64 {
        let check = lock(&self.check);
        check.unchecked + check.lacking
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
