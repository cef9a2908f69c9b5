//! Counts of the changes of keys, for `WATCH`: whether a key may have changed since it was read.

use super::layout::Position;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Keys share this many counts: 64 KiB. Two keys that share one cost a retry, never a lost update.
const COUNTS: usize = 8192;

/// The number of changes of a key, or of keys that share its count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation {
    index: usize,
    count: u64,
}

/// Clones share the counts.
#[derive(Clone, Debug)]
pub(super) struct Generations(Arc<[AtomicU64]>);

impl Default for Generations {
    fn default() -> Self {
        Self((0..COUNTS).map(|_| AtomicU64::default()).collect())
    }
}

impl Generations {
    /// The current count of `key`. A read of the key after this call sees every change that is
    /// counted.
    pub(super) fn current(&self, key: &[u8]) -> Generation {
        let index = index_of(Position::of_key(key));
        Generation {
            index,
            count: self.0.get(index).map_or(0, |count| count.load(Ordering::SeqCst)),
        }
    }

    /// Whether no change has been counted since `generation`.
    pub(super) fn is_current(&self, generation: Generation) -> bool {
        self.0
            .get(generation.index)
            .is_some_and(|count| count.load(Ordering::SeqCst) == generation.count)
    }

    /// Counts a change. A change is counted twice: when it is applied, so that later writes of the
    /// same commit see it, and once reads see it, so that no count from before that stays valid.
    pub(super) fn count_change(&self, position: Position) {
        if let Some(count) = self.0.get(index_of(position)) {
            count.fetch_add(1, Ordering::SeqCst);
        }
    }
}

fn index_of(position: Position) -> usize {
    usize::try_from(position.get()).unwrap_or_default() % COUNTS
}
