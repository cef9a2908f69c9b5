//! The time in which the load itself did not run, because its process was suspended or had no CPU.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

/// The longest pause of the generator while the process runs.
pub(super) const MAX_PAUSE: Duration = Duration::from_secs(1);
/// A generator that pauses for longer was suspended.
const TOLERANCE: Duration = Duration::from_millis(500);

/// Adds up the time in which the generator did not run as it should. It belongs to the generator's thread.
#[derive(Debug, Default)]
pub(super) struct SuspensionMeter {
    /// None while the generator does not run.
    last_run: Cell<Option<Instant>>,
    suspended: Cell<Duration>,
}

impl SuspensionMeter {
    /// Notes that the generator runs at `now`; it does so at least every [`MAX_PAUSE`].
    pub(super) fn note_run(&self, now: Instant) {
        self.suspended.set(self.suspended_until(now));
        self.last_run.set(Some(now));
    }

    /// Notes that the generator has ended at `now`: a later pause is no suspension.
    pub(super) fn note_end(&self, now: Instant) {
        // Requests in flight may have counted the pause until now already.
        self.note_run(now);
        self.last_run.set(None);
    }

    /// The suspensions from the start until `now`.
    pub(super) fn suspended_until(&self, now: Instant) -> Duration {
        let pause =
            self.last_run.get().map_or(Duration::ZERO, |last| now.saturating_duration_since(last));
        let is_suspended = pause > MAX_PAUSE + TOLERANCE;
        self.suspended.get() + if is_suspended { pause } else { Duration::ZERO }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pauses_that_the_generator_does_not_make_count() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let meter = SuspensionMeter::default();
        assert_eq!(meter.suspended_until(at(9_000)), Duration::ZERO, "it does not run yet");
        meter.note_run(at(1_000));
        meter.note_run(at(2_400));
        assert_eq!(meter.suspended_until(at(3_900)), Duration::ZERO);
        assert_eq!(meter.suspended_until(at(12_400)), Duration::from_secs(10));
        meter.note_run(at(12_400));
        meter.note_run(at(13_000));
        meter.note_end(at(13_500));
        assert_eq!(meter.suspended_until(at(99_000)), Duration::from_secs(10));
    }

    #[test]
    fn the_sum_never_falls() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let meter = SuspensionMeter::default();
        meter.note_run(at(0));
        let suspended = meter.suspended_until(at(3_000));
        assert_eq!(suspended, Duration::from_secs(3));
        meter.note_end(at(3_000));
        assert_eq!(meter.suspended_until(at(4_000)), suspended, "after an end in the same moment");
    }
}
