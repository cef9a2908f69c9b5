//! Whether the operator lives: its watches run, and none fails for long while it is tried.

use super::caches::Caches;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Failures that are further apart than this are different ones: a watch is tried again sooner.
const STREAK_GAP: Duration = Duration::from_secs(90);
/// How long a watch may fail without a break.
const PATIENCE: Duration = Duration::from_secs(300);

/// The signs of life of the whole operator.
#[derive(Default)]
pub(super) struct Health {
    pulses: Mutex<Vec<Arc<Pulse>>>,
    caches: Mutex<Vec<Caches>>,
}

impl Health {
    /// A place for the signs of life of the watch of `resource`.
    pub(super) fn pulse(&self, resource: &'static str) -> Arc<Pulse> {
        let pulse = Arc::new(Pulse::new(resource));
        self.pulses.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&pulse));
        pulse
    }

    /// Caches that are to be filled before the operator is ready.
    pub(super) fn add_listed(&self, caches: Caches) {
        self.caches.lock().unwrap_or_else(PoisonError::into_inner).push(caches);
    }

    /// The resources whose watch fails for too long.
    pub(super) fn stuck(&self) -> Vec<&'static str> {
        let pulses = self.pulses.lock().unwrap_or_else(PoisonError::into_inner);
        pulses.iter().filter(|pulse| pulse.stuck()).map(|pulse| pulse.name()).collect()
    }

    /// Whether all caches are filled; a replica that waits for the lease has none.
    pub(super) fn ready(&self) -> bool {
        let caches = self.caches.lock().unwrap_or_else(PoisonError::into_inner);
        caches.iter().all(Caches::listed)
    }
}

/// The signs of life of one watch.
#[derive(Debug)]
pub(super) struct Pulse {
    name: &'static str,
    failing: Mutex<Option<Streak>>,
}

#[derive(Clone, Copy, Debug)]
struct Streak {
    since: Instant,
    last: Instant,
}

impl Pulse {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, failing: Mutex::new(None) }
    }

    /// The resource that is watched.
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// The watch has given something.
    pub(super) fn beat(&self) {
        *self.failing.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The watch has failed and will be tried again.
    pub(super) fn fail(&self) {
        self.fail_at(Instant::now());
    }

    fn fail_at(&self, now: Instant) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let since = match *failing {
            Some(streak) if now.duration_since(streak.last) < STREAK_GAP => streak.since,
            _ => now,
        };
        *failing = Some(Streak { since, last: now });
    }

    /// Whether the watch has failed without a break for too long. An idle watch gives no sign when
    /// it works again, but neither does it fail.
    pub(super) fn stuck(&self) -> bool {
        self.stuck_at(Instant::now())
    }

    fn stuck_at(&self, now: Instant) -> bool {
        let failing = *self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        failing.is_some_and(|streak| {
            now.duration_since(streak.last) < STREAK_GAP
                && streak.last.duration_since(streak.since) > PATIENCE
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Duration = Duration::from_secs(30);

    #[test]
    fn a_watch_that_fails_for_long_is_stuck_and_one_that_recovers_is_not() {
        let pulse = Pulse::new("pods");
        let start = Instant::now();
        let mut now = start;
        while now <= start + PATIENCE + STEP {
            pulse.fail_at(now);
            now += STEP;
        }
        assert!(pulse.stuck_at(now));
        assert!(!pulse.stuck_at(now + STREAK_GAP), "no failure for a while: it works, idly");
        pulse.beat();
        assert!(!pulse.stuck_at(now));
    }

    #[test]
    fn a_failure_now_and_then_is_no_reason_to_worry() {
        let pulse = Pulse::new("pods");
        let start = Instant::now();
        for hour in 0..10 {
            pulse.fail_at(start + Duration::from_secs(3600 * hour));
        }
        assert!(!pulse.stuck_at(start + Duration::from_secs(9 * 3600 + 1)));
    }
}
