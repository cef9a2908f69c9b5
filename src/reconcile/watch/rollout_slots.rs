//! How many Architectures change their pods at once, over all watch scopes.

use super::{super::key::ArchitectureKey, queue::Queue};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// A rollout that takes longer gives its slot to one that waits, and waits in turn for the rest.
const MAX_HOLD: Duration = Duration::from_secs(600);

/// The wait for a slot, if none becomes free before: then the Architecture claims one again.
pub(in crate::reconcile) const SLOT_RETRY: Duration = Duration::from_secs(60);

/// The slots of rollouts: the holders, and those that wait, the longest wait first.
pub(in crate::reconcile) struct RolloutSlots {
    limit: usize,
    state: Mutex<SlotState>,
}

#[derive(Default)]
struct SlotState {
    holders: HashMap<ArchitectureKey, Instant>,
    waiting: VecDeque<WaitingRollout>,
}

struct WaitingRollout {
    key: ArchitectureKey,
    queue: Arc<Queue>,
    claimed_at: Instant,
}

impl RolloutSlots {
    pub(in crate::reconcile) fn new(limit: u16) -> Self {
        Self { limit: limit.into(), state: Mutex::default() }
    }

    /// How many Architectures hold a slot at once.
    pub(in crate::reconcile) fn limit(&self) -> usize {
        self.limit
    }

    /// Takes a slot for the Architecture, which keeps it until [`Self::release`]; if all are taken,
    /// returns how many, and `queue` gets the Architecture when one is free.
    ///
    /// # Errors
    /// The number of Architectures that hold the slots.
    pub(in crate::reconcile) fn claim(
        &self,
        key: &ArchitectureKey,
        queue: &Arc<Queue>,
        now: Instant,
    ) -> Result<(), usize> {
        let mut state = self.lock();
        // First: one that claims again keeps its place, however late it is.
        if let Some(found) = state.waiting.iter_mut().find(|one| one.key == *key) {
            found.claimed_at = now;
        }
        state.drop_silent(now);
        if !state.waiting.is_empty() {
            state.holders.retain(|_, since| now.duration_since(*since) < MAX_HOLD);
        }
        if state.holders.contains_key(key) {
            return Ok(());
        }
        if !state.waiting.iter().any(|one| one.key == *key) {
            let queue = Arc::clone(queue);
            state.waiting.push_back(WaitingRollout { key: key.clone(), queue, claimed_at: now });
        }
        let free = self.limit.saturating_sub(state.holders.len());
        if !state.waiting.iter().take(free).any(|one| one.key == *key) {
            return Err(state.holders.len());
        }
        state.waiting.retain(|one| one.key != *key);
        state.holders.insert(key.clone(), now);
        Ok(())
    }

    /// Gives the slot back, or stops to wait for one; the next one that waits is queued.
    pub(in crate::reconcile) fn release(&self, key: &ArchitectureKey) {
        let mut state = self.lock();
        state.drop_silent(Instant::now());
        let was_holding = state.holders.remove(key).is_some();
        let waiting = state.waiting.len();
        state.waiting.retain(|one| one.key != *key);
        if was_holding || state.waiting.len() < waiting {
            let free = self.limit.saturating_sub(state.holders.len());
            for next in state.waiting.iter().take(free) {
                next.queue.push(next.key.clone());
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, SlotState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SlotState {
    /// Drops those that wait and did not claim a slot in the last two intervals: the Architecture
    /// needs none any more, or cannot use it.
    fn drop_silent(&mut self, now: Instant) {
        self.waiting.retain(|one| now.duration_since(one.claimed_at) <= 2 * SLOT_RETRY);
    }
}

#[cfg(test)]
mod tests {
    use super::{super::super::metrics::Metrics, *};

    fn key(name: &str) -> ArchitectureKey {
        ArchitectureKey { namespace: "default".to_owned(), name: name.to_owned() }
    }

    #[tokio::test]
    async fn the_longest_wait_gets_the_next_slot() {
        let queue = Queue::new(Arc::new(Metrics::new()));
        let (slots, now) = (RolloutSlots::new(1), Instant::now());
        assert_eq!(slots.claim(&key("a"), &queue, now), Ok(()));
        assert_eq!(slots.claim(&key("a"), &queue, now), Ok(()), "it holds one already");
        assert_eq!(slots.claim(&key("b"), &queue, now), Err(1));
        assert_eq!(slots.claim(&key("c"), &queue, now), Err(1));
        slots.release(&key("a"));
        assert_eq!(*queue.start_next().await, key("b"));
        assert_eq!(slots.claim(&key("c"), &queue, now), Err(0), "b waits longer");
        assert_eq!(slots.claim(&key("b"), &queue, now), Ok(()));
        slots.release(&key("c"));
        slots.release(&key("b"));
        assert_eq!(slots.claim(&key("d"), &queue, now), Ok(()), "none waits");
    }

    #[test]
    fn a_rollout_that_takes_too_long_gives_its_slot_away() {
        let queue = Queue::new(Arc::new(Metrics::new()));
        let (slots, now) = (RolloutSlots::new(1), Instant::now());
        assert_eq!(slots.claim(&key("a"), &queue, now), Ok(()));
        assert_eq!(slots.claim(&key("a"), &queue, now + MAX_HOLD), Ok(()), "none waits");
        assert_eq!(slots.claim(&key("b"), &queue, now), Err(1));
        assert_eq!(slots.claim(&key("b"), &queue, now + MAX_HOLD), Ok(()));
        assert_eq!(slots.claim(&key("a"), &queue, now + MAX_HOLD), Err(1));
    }

    #[test]
    fn a_rollout_that_no_longer_claims_a_slot_blocks_no_other() {
        let queue = Queue::new(Arc::new(Metrics::new()));
        let (slots, now) = (RolloutSlots::new(1), Instant::now());
        assert_eq!(slots.claim(&key("a"), &queue, now), Ok(()));
        assert_eq!(slots.claim(&key("silent"), &queue, now), Err(1));
        assert_eq!(slots.claim(&key("c"), &queue, now + SLOT_RETRY), Err(1));
        slots.release(&key("a"));
        assert_eq!(slots.claim(&key("c"), &queue, now + 2 * SLOT_RETRY), Err(0));
        let later = now + 2 * SLOT_RETRY + Duration::from_secs(1);
        assert_eq!(slots.claim(&key("c"), &queue, later), Ok(()));
    }
}
