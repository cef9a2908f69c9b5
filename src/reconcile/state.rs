//! What the operator remembers of an Architecture between two reconciles. Nothing of it is needed
//! to be right: it saves work and heals what somebody deletes, and a restarted operator begins
//! without it.

use super::{
    cache::WriteFence, key::ArchitectureKey, kubelet_refresh::KubeletRefresh, last_seen::LastSeen,
    volumes::GrowthRefusal,
};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How long to wait after the first failure; doubled with each further one.
const INITIAL_BACKOFF: Duration = Duration::from_secs(1);

/// No watch that works is so far behind.
const MAX_UNSEEN: Duration = Duration::from_secs(60);

/// What is remembered of one Architecture.
#[derive(Debug, Default)]
pub(super) struct ReconcileState {
    /// Our writes that the caches may not have seen yet.
    unseen_writes: Vec<(WriteFence, Instant)>,
    /// Failures in a row, and until when nothing is tried again unless the specification changes.
    failures: u32,
    retry_not_before: Option<(Instant, i64)>,
    /// The children as they were last seen.
    pub(super) last_seen: LastSeen,
    /// The last nudge of each pod, by UID.
    pub(super) kubelet_refreshes: HashMap<String, KubeletRefresh>,
    /// Claims that could not grow, by name.
    pub(super) refused_growth: HashMap<String, GrowthRefusal>,
    /// When the status was last written.
    pub(super) status_written_at: Option<Instant>,
}

impl ReconcileState {
    /// Remembers a write.
    pub(super) fn record_write(&mut self, mark: WriteFence) {
        self.unseen_writes.push((mark, Instant::now()));
    }

    /// Whether the caches have seen everything that we wrote. One that has not for so long that no
    /// watch would take it never will, as when somebody takes our label off: then what is cached
    /// is right again.
    pub(super) fn has_seen_writes(&mut self) -> bool {
        self.unseen_writes.retain(|(mark, at)| !mark.is_passed() && at.elapsed() < MAX_UNSEEN);
        self.unseen_writes.is_empty()
    }

    /// How much longer to wait after a failure with the specification of this generation.
    pub(super) fn remaining_backoff(&self, now: Instant, generation: i64) -> Option<Duration> {
        let (until, of) = self.retry_not_before?;
        (of == generation).then(|| until.saturating_duration_since(now)).filter(|d| !d.is_zero())
    }

    /// Remembers a failure; returns how long to wait before the next attempt, at most `longest`.
    /// `jitter` is a number from 0 to 1 that spreads attempts.
    pub(super) fn record_failure(
        &mut self,
        now: Instant,
        generation: i64,
        longest: Duration,
        jitter: f64,
    ) -> Duration {
        let doubled = INITIAL_BACKOFF.saturating_mul(1u32 << self.failures.min(16));
        let wait = doubled.min(longest).mul_f64(1.0 - 0.25 * jitter);
        self.failures = self.failures.saturating_add(1);
        self.retry_not_before = Some((now + wait, generation));
        wait
    }

    /// Forgets failures.
    pub(super) fn clear_failures(&mut self) {
        self.failures = 0;
        self.retry_not_before = None;
    }
}

/// What is remembered of every Architecture.
#[derive(Debug, Default)]
pub(super) struct StateStore(Mutex<HashMap<ArchitectureKey, ReconcileState>>);

impl StateStore {
    /// Reads or changes what is remembered of one.
    pub(super) fn with<T>(
        &self,
        key: &ArchitectureKey,
        act: impl FnOnce(&mut ReconcileState) -> T,
    ) -> T {
        let mut memories = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        act(memories.entry(key.clone()).or_default())
    }

    /// Forgets one that is no more.
    pub(super) fn forget(&self, key: &ArchitectureKey) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_waits_longer_up_to_a_bound_and_a_new_specification_does_not_wait() {
        let mut memory = ReconcileState::default();
        let now = Instant::now();
        let longest = Duration::from_secs(60);
        let waits: Vec<_> =
            (0..12).map(|_| memory.record_failure(now, 1, longest, 0.0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60]);
        assert_eq!(memory.remaining_backoff(now, 1), Some(longest));
        assert_eq!(memory.remaining_backoff(now, 2), None);
        assert_eq!(memory.remaining_backoff(now + longest, 1), None);
        assert_eq!(memory.record_failure(now, 1, INITIAL_BACKOFF, 0.0), INITIAL_BACKOFF);
        memory.clear_failures();
        assert_eq!(memory.record_failure(now, 1, longest, 1.0), Duration::from_millis(750));
    }
}
