//! The rate of an open loop, which may grow or fall evenly for a while.

use std::time::{Duration, Instant};

/// A rate, in requests a second, and the way to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::load) struct Rate {
    from: f64,
    to: f64,
    start: Instant,
    /// The time from `from` to `to`.
    over: Duration,
}

impl Rate {
    /// The same at any time.
    pub(in crate::load) fn constant(rate: u32) -> Self {
        let rate = f64::from(rate);
        Self { from: rate, to: rate, start: Instant::now(), over: Duration::ZERO }
    }

    /// From `from` at `start` to `to`, `over` a time.
    pub(in crate::load) fn ramp(from: f64, to: u32, start: Instant, over: Duration) -> Self {
        Self { from, to: f64::from(to), start, over }
    }

    /// Requests a second at `now`, at least 1.
    pub(in crate::load) fn at(&self, now: Instant) -> f64 {
        let passed = now.saturating_duration_since(self.start);
        let rate = if passed >= self.over {
            self.to
        } else {
            self.from + (self.to - self.from) * (passed.as_secs_f64() / self.over.as_secs_f64())
        };
        rate.max(1.0)
    }

    /// The mean time between two requests at `now`.
    pub(in crate::load) fn interval(&self, now: Instant) -> Duration {
        Duration::from_secs_f64(1.0 / self.at(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_is_even_in_both_directions_and_ends_at_its_rate() {
        let start = Instant::now();
        let at = |rate: &Rate, seconds| rate.at(start + Duration::from_secs(seconds));
        let over = Duration::from_secs(10);
        let up = Rate::ramp(0.0, 100, start, over);
        assert_eq!(
            [0, 1, 5, 10, 99].map(|seconds| at(&up, seconds)),
            [1.0, 10.0, 50.0, 100.0, 100.0]
        );
        let down = Rate::ramp(100.0, 50, start, over);
        assert_eq!([0, 5, 20].map(|seconds| at(&down, seconds)), [100.0, 75.0, 50.0]);
        assert_eq!(at(&Rate::constant(7), 0), 7.0);
    }
}
