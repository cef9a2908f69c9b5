//! Whether the operator is healthy: its watches run, and none fails for longer than a bound.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Failures further apart are separate ones: a watch that fails is retried sooner.
const FAILURE_RUN_GAP: Duration = Duration::from_secs(90);
/// A watch that fails for longer without a success makes the operator unhealthy.
const MAX_FAILURE_RUN: Duration = Duration::from_secs(300);

type ReadinessCheck = Box<dyn Fn() -> bool + Send + Sync>;

/// The health of all watches.
#[derive(Default)]
pub(in crate::reconcile) struct Health {
    watches: Mutex<Vec<Arc<WatchHealth>>>,
    readiness_checks: Mutex<Vec<ReadinessCheck>>,
}

impl Health {
    /// The record for the watch of `resource`.
    pub(super) fn register_watch(&self, resource: &'static str) -> Arc<WatchHealth> {
        let watch = Arc::new(WatchHealth::new(resource));
        self.watches.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&watch));
        watch
    }

    /// The operator is ready only while `is_ready` holds too.
    pub(in crate::reconcile) fn add_readiness_check(
        &self,
        is_ready: impl Fn() -> bool + Send + Sync + 'static,
    ) {
        let mut checks = self.readiness_checks.lock().unwrap_or_else(PoisonError::into_inner);
        checks.push(Box::new(is_ready));
    }

    /// The resources whose watch fails for longer than 300 s.
    pub(in crate::reconcile) fn stuck_watches(&self) -> Vec<&'static str> {
        let watches = self.watches.lock().unwrap_or_else(PoisonError::into_inner);
        watches.iter().filter(|watch| watch.is_stuck()).map(|watch| watch.resource_name()).collect()
    }

    /// Whether all readiness checks hold. A replica that waits for the lease has none.
    pub(in crate::reconcile) fn is_ready(&self) -> bool {
        let checks = self.readiness_checks.lock().unwrap_or_else(PoisonError::into_inner);
        checks.iter().all(|is_ready| is_ready())
    }
}

/// The health of one watch.
#[derive(Debug)]
pub(super) struct WatchHealth {
    resource: &'static str,
    failing: Mutex<Option<FailureRun>>,
}

/// Failures of a watch with gaps below [`FAILURE_RUN_GAP`] and no success between.
#[derive(Clone, Copy, Debug)]
struct FailureRun {
    first: Instant,
    last: Instant,
}

impl WatchHealth {
    fn new(resource: &'static str) -> Self {
        Self { resource, failing: Mutex::new(None) }
    }

    pub(super) fn resource_name(&self) -> &'static str {
        self.resource
    }

    /// The watch delivered an event.
    pub(super) fn record_ok(&self) {
        *self.failing.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The watch failed and is retried.
    pub(super) fn record_failure(&self) {
        self.record_failure_at(Instant::now());
    }

    fn record_failure_at(&self, now: Instant) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let first = match *failing {
            Some(run) if now.duration_since(run.last) < FAILURE_RUN_GAP => run.first,
            _ => now,
        };
        *failing = Some(FailureRun { first, last: now });
    }

    fn is_stuck(&self) -> bool {
        self.is_stuck_at(Instant::now())
    }

    fn is_stuck_at(&self, now: Instant) -> bool {
        let failing = *self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        // An idle watch that works again delivers nothing, but it does not fail either.
        failing.is_some_and(|run| {
            now.duration_since(run.last) < FAILURE_RUN_GAP
                && run.last.duration_since(run.first) > MAX_FAILURE_RUN
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Duration = Duration::from_secs(30);

    #[test]
    fn a_watch_is_stuck_while_its_failures_continue() {
        let watch = WatchHealth::new("pods");
        let start = Instant::now();
        let mut now = start;
        while now <= start + MAX_FAILURE_RUN + STEP {
            watch.record_failure_at(now);
            now += STEP;
        }
        assert!(watch.is_stuck_at(now));
        assert!(!watch.is_stuck_at(now + FAILURE_RUN_GAP), "without a new failure it works, idly");
        watch.record_ok();
        assert!(!watch.is_stuck_at(now));
    }

    #[test]
    fn rare_failures_are_separate_runs() {
        let watch = WatchHealth::new("pods");
        let start = Instant::now();
        for hour in 0..10 {
            watch.record_failure_at(start + Duration::from_secs(3600 * hour));
        }
        assert!(!watch.is_stuck_at(start + Duration::from_secs(9 * 3600 + 1)));
    }
}
