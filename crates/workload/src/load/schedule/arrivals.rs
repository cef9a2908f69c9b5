//! The scheduled starts of requests: evenly spaced or a Poisson process.

use super::Rate;
use maquette_contract::Arrivals;
use std::time::{Duration, Instant};

/// The scheduled start of the next request.
#[derive(Clone, Debug)]
pub(in crate::load) struct Schedule {
    arrivals: Arrivals,
    rate: Rate,
    next_start: Instant,
}

/// The requests that are due at one moment.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::load) struct DueRequests {
    /// The scheduled starts, in order.
    pub(in crate::load) starts: Vec<Instant>,
    /// How many more were due too long ago.
    pub(in crate::load) overdue: u64,
}

impl Schedule {
    /// The first request starts at `first`.
    pub(in crate::load) fn new(first: Instant, arrivals: Arrivals, rate: Rate) -> Self {
        Self { arrivals, rate, next_start: first }
    }

    /// Follows another rate from `now` on. A higher one takes effect now, not after the interval
    /// of the lower one.
    pub(in crate::load) fn change(&mut self, now: Instant, arrivals: Arrivals, rate: Rate) {
        (self.arrivals, self.rate) = (arrivals, rate);
        self.next_start = self.next_start.min(now + self.draw_interval(now));
    }

    /// Takes the requests that are due at `now`. Those that were due longer than `max_age` ago,
    /// because the process was suspended, are only counted.
    pub(in crate::load) fn take_due(&mut self, now: Instant, max_age: Duration) -> DueRequests {
        let late = now.saturating_duration_since(self.next_start).saturating_sub(max_age);
        let interval = self.rate.interval(now);
        let overdue = u32::try_from(late.as_nanos() / interval.as_nanos()).unwrap_or(u32::MAX);
        self.next_start += interval * overdue;
        let mut starts = Vec::new();
        while self.next_start <= now {
            starts.push(self.next_start);
            self.next_start += self.draw_interval(self.next_start);
        }
        DueRequests { starts, overdue: u64::from(overdue) }
    }

    /// The scheduled start of the next request.
    pub(in crate::load) fn next_start(&self) -> Instant {
        self.next_start
    }

    /// The rate at `now`, in requests a second.
    pub(in crate::load) fn rate_at(&self, now: Instant) -> f64 {
        self.rate.at(now)
    }

    /// The time from a request that starts `at` to the next one.
    fn draw_interval(&self, at: Instant) -> Duration {
        let mean = self.rate.interval(at);
        match self.arrivals {
            Arrivals::Constant => mean,
            // The inverse of the exponential distribution; the argument is never 0.
            Arrivals::Poisson => mean.mul_f64(-(1.0 - rand::random::<f64>()).ln()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TIMEOUT: Duration = Duration::from_secs(5);

    fn at(start: Instant, millis: u64) -> Instant {
        start + Duration::from_millis(millis)
    }

    fn even(start: Instant, rate: u32) -> Schedule {
        Schedule::new(start, Arrivals::Constant, Rate::constant(rate))
    }

    #[test]
    fn requests_are_evenly_spaced_and_a_late_call_catches_up() {
        let start = Instant::now();
        let mut schedule = even(start, 10);
        assert_eq!(schedule.take_due(start, TIMEOUT).starts, [start]);
        assert_eq!(schedule.take_due(at(start, 99), TIMEOUT).starts, []);
        let caught_up = schedule.take_due(at(start, 350), TIMEOUT);
        assert_eq!(caught_up.starts, [at(start, 100), at(start, 200), at(start, 300)]);
        assert_eq!(schedule.next_start(), at(start, 400));
    }

    #[test]
    fn a_new_rate_takes_effect_at_once() {
        let start = Instant::now();
        let mut schedule = even(start, 1);
        schedule.take_due(start, TIMEOUT);
        schedule.change(at(start, 10), Arrivals::Constant, Rate::constant(100));
        assert_eq!(schedule.take_due(at(start, 19), TIMEOUT).starts, []);
        assert_eq!(schedule.take_due(at(start, 20), TIMEOUT).starts, [at(start, 20)]);
    }

    #[test]
    fn requests_past_their_timeout_are_only_counted() {
        let start = Instant::now();
        let mut schedule = even(start, 10);
        let due = schedule.take_due(at(start, 60_000), TIMEOUT);
        assert_eq!(due.overdue, 550);
        assert_eq!((due.starts.len(), due.starts[0]), (51, at(start, 55_000)));
    }

    #[test]
    fn a_ramp_brings_the_requests_under_its_line() {
        let start = Instant::now();
        let ramp = Rate::ramp(0.0, 100, start, Duration::from_secs(10));
        let mut schedule = Schedule::new(start, Arrivals::Constant, ramp);
        let counts = [5, 10, 15].map(|second| {
            let now = start + Duration::from_secs(second);
            schedule.take_due(now, Duration::from_secs(60)).starts.len()
        });
        // The areas: a triangle, a trapezoid, a rectangle.
        for (count, expected) in counts.into_iter().zip([125, 375, 500]) {
            assert!(count.abs_diff(expected) <= 10, "{counts:?}");
        }
    }

    /// The intervals of a Poisson process have a mean of 1/rate and a standard deviation as large.
    #[test]
    fn poisson_arrivals_have_the_mean_and_the_spread_of_independent_users() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, Arrivals::Poisson, Rate::constant(100));
        let starts = schedule.take_due(start + Duration::from_secs(200), Duration::MAX).starts;
        let intervals: Vec<f64> =
            starts.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64()).collect();
        let count = intervals.len() as f64;
        let mean = intervals.iter().sum::<f64>() / count;
        let variance = intervals.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / count;
        // 20,000 intervals: seven standard errors on either side.
        assert!((0.0095..0.0105).contains(&mean), "{mean}");
        assert!((0.9..1.1).contains(&(variance.sqrt() / mean)), "{variance}");
    }

    proptest! {
        #[test]
        fn the_rate_does_not_depend_on_the_times_of_the_calls(
            rate in 1_u32..=10_000, steps in prop::collection::vec(0_u64..3000, 1..30),
        ) {
            let start = Instant::now();
            let mut schedule = even(start, rate);
            let (mut now, mut count) = (start, 0_u64);
            for step in steps {
                now += Duration::from_millis(step);
                let due = schedule.take_due(now, TIMEOUT);
                prop_assert_eq!(due.overdue, 0);
                count += due.starts.len() as u64;
            }
            let interval = Rate::constant(rate).interval(start);
            let expected = (now - start).as_nanos() / interval.as_nanos() + 1;
            prop_assert_eq!(u128::from(count), expected);
        }
    }
}
