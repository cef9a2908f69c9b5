//! Whether the operator lives: its watches run, and none fails for long while it is tried.

use super::caches::Caches;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Failures that are further apart than this are different ones: a watch is tried again sooner.
const FAILURE_RUN_GAP: Duration = Duration::from_secs(90);
/// How long a watch may fail without a break.
const MAX_FAILURE_RUN: Duration = Duration::from_secs(300);

/// The signs of life of the whole operator.
#[derive(Default)]
pub(super) struct Health {
    watches: Mutex<Vec<Arc<WatchHealth>>>,
    caches: Mutex<Vec<Caches>>,
}

impl Health {
    /// A place for the signs of life of the watch of `resource`.
    pub(super) fn register_watch(&self, resource: &'static str) -> Arc<WatchHealth> {
        let pulse = Arc::new(WatchHealth::new(resource));
        self.watches.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&pulse));
        pulse
    }

    /// Caches that are to be filled before the operator is ready.
    pub(super) fn add_caches(&self, caches: Caches) {
        self.caches.lock().unwrap_or_else(PoisonError::into_inner).push(caches);
    }

    /// The resources whose watch fails for too long.
    pub(super) fn stuck_watches(&self) -> Vec<&'static str> {
        let pulses = self.watches.lock().unwrap_or_else(PoisonError::into_inner);
        pulses.iter().filter(|pulse| pulse.is_stuck()).map(|pulse| pulse.name()).collect()
    }

    /// Whether all caches are filled; a replica that waits for the lease has none.
    pub(super) fn is_ready(&self) -> bool {
        let caches = self.caches.lock().unwrap_or_else(PoisonError::into_inner);
        caches.iter().all(Caches::all_listed)
    }
}

/// The signs of life of one watch.
#[derive(Debug)]
pub(super) struct WatchHealth {
    resource: &'static str,
    failing: Mutex<Option<FailureRun>>,
}

#[derive(Clone, Copy, Debug)]
struct FailureRun {
    first: Instant,
    last: Instant,
}

impl WatchHealth {
    pub(super) fn new(resource: &'static str) -> Self {
        Self { resource, failing: Mutex::new(None) }
    }

    /// The resource that is watched.
    pub(super) fn name(&self) -> &'static str {
        self.resource
    }

    /// The watch has given something.
    pub(super) fn record_ok(&self) {
        *self.failing.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The watch has failed and will be tried again.
    pub(super) fn record_failure(&self) {
        self.record_failure_at(Instant::now());
    }

    fn record_failure_at(&self, now: Instant) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let since = match *failing {
            Some(streak) if now.duration_since(streak.last) < FAILURE_RUN_GAP => streak.first,
            _ => now,
        };
        *failing = Some(FailureRun { first: since, last: now });
    }

    /// Whether the watch has failed without a break for too long. An idle watch gives no sign when
    /// it works again, but neither does it fail.
    pub(super) fn is_stuck(&self) -> bool {
        self.is_stuck_at(Instant::now())
    }

    fn is_stuck_at(&self, now: Instant) -> bool {
        let failing = *self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        failing.is_some_and(|streak| {
            now.duration_since(streak.last) < FAILURE_RUN_GAP
                && streak.last.duration_since(streak.first) > MAX_FAILURE_RUN
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Duration = Duration::from_secs(30);

    #[test]
    fn a_watch_that_fails_for_long_is_stuck_and_one_that_recovers_is_not() {
        let pulse = WatchHealth::new("pods");
        let start = Instant::now();
        let mut now = start;
        while now <= start + MAX_FAILURE_RUN + STEP {
            pulse.record_failure_at(now);
            now += STEP;
        }
        assert!(pulse.is_stuck_at(now));
        assert!(
            !pulse.is_stuck_at(now + FAILURE_RUN_GAP),
            "no failure for a while: it works, idly"
        );
        pulse.record_ok();
        assert!(!pulse.is_stuck_at(now));
    }

    #[test]
    fn a_failure_now_and_then_is_no_reason_to_worry() {
        let pulse = WatchHealth::new("pods");
        let start = Instant::now();
        for hour in 0..10 {
            pulse.record_failure_at(start + Duration::from_secs(3600 * hour));
        }
        assert!(!pulse.is_stuck_at(start + Duration::from_secs(9 * 3600 + 1)));
    }
}
