//! What the operator remembers of an Architecture between two reconciles. Nothing of it is needed
//! to be right: it saves work and heals what somebody deletes, and a restarted operator begins
//! without it.

use super::{
    cache::Mark, children::Children, key::ArchitectureKey, nudge::Nudge, volumes::Refusal,
};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How long to wait after the first failure; doubled with each further one.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// No watch that works is so far behind.
const LONGEST_UNSEEN: Duration = Duration::from_secs(60);

/// What is remembered of one Architecture.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Our writes that the caches may not have seen yet.
    writes: Vec<(Mark, Instant)>,
    /// Failures in a row, and until when nothing is tried again unless the specification changes.
    failures: u32,
    not_before: Option<(Instant, i64)>,
    /// The children as they were last seen.
    pub(super) children: Children,
    /// The last nudge of each pod, by UID.
    pub(super) nudges: HashMap<String, Nudge>,
    /// Claims that could not grow, by name.
    pub(super) stuck: HashMap<String, Refusal>,
    /// When the status was last written.
    pub(super) status_written: Option<Instant>,
}

impl Memory {
    /// Remembers a write.
    pub(super) fn wrote(&mut self, mark: Mark) {
        self.writes.push((mark, Instant::now()));
    }

    /// Whether the caches have seen everything that we wrote. One that has not for so long that no
    /// watch would take it never will, as when somebody takes our label off: then what is cached
    /// is right again.
    pub(super) fn caught_up(&mut self) -> bool {
        self.writes.retain(|(mark, at)| !mark.seen() && at.elapsed() < LONGEST_UNSEEN);
        self.writes.is_empty()
    }

    /// How much longer to wait after a failure with the specification of this generation.
    pub(super) fn wait(&self, now: Instant, generation: i64) -> Option<Duration> {
        let (until, of) = self.not_before?;
        (of == generation).then(|| until.saturating_duration_since(now)).filter(|d| !d.is_zero())
    }

    /// Remembers a failure; returns how long to wait before the next attempt, at most `longest`.
    /// `jitter` is a number from 0 to 1 that spreads attempts.
    pub(super) fn failed(
        &mut self,
        now: Instant,
        generation: i64,
        longest: Duration,
        jitter: f64,
    ) -> Duration {
        let doubled = FIRST_WAIT.saturating_mul(1u32 << self.failures.min(16));
        let wait = doubled.min(longest).mul_f64(1.0 - 0.25 * jitter);
        self.failures = self.failures.saturating_add(1);
        self.not_before = Some((now + wait, generation));
        wait
    }

    /// Forgets failures.
    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
        self.not_before = None;
    }
}

/// What is remembered of every Architecture.
#[derive(Debug, Default)]
pub(super) struct Memories(Mutex<HashMap<ArchitectureKey, Memory>>);

impl Memories {
    /// Reads or changes what is remembered of one.
    pub(super) fn with<T>(&self, key: &ArchitectureKey, act: impl FnOnce(&mut Memory) -> T) -> T {
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
        let mut memory = Memory::default();
        let now = Instant::now();
        let longest = Duration::from_secs(60);
        let waits: Vec<_> =
            (0..12).map(|_| memory.failed(now, 1, longest, 0.0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60]);
        assert_eq!(memory.wait(now, 1), Some(longest));
        assert_eq!(memory.wait(now, 2), None);
        assert_eq!(memory.wait(now + longest, 1), None);
        assert_eq!(memory.failed(now, 1, FIRST_WAIT, 0.0), FIRST_WAIT);
        memory.succeeded();
        assert_eq!(memory.failed(now, 1, longest, 1.0), Duration::from_millis(750));
    }
}
