//! Whether the load itself keeps up: how late requests were sent in the last seconds, and how many
//! were not sent at all.

use maquette_contract::{LoadObservation, Traffic};
use std::time::{Duration, Instant};

/// One slot for each second of the window.
const SLOTS: usize = Traffic::WINDOW_SECONDS as usize;
/// So many requests of a window must be late or dropped before it counts: a single one of few is an
/// accident.
const MIN_MISSED: u64 = 5;
/// How far above one in a hundred their number must be, in standard deviations: a load that misses
/// one in two hundred now and then has a window with more than one in a hundred.
const MIN_DEVIATIONS: f64 = 4.0;

/// The requests that became due in the last [`Traffic::WINDOW_SECONDS`], and since the start.
#[derive(Debug)]
pub(super) struct Punctuality {
    start: Instant,
    slots: [WindowSecond; SLOTS],
    /// Since the start.
    late: u64,
    dropped: u64,
    /// When a window last had too many late or dropped requests.
    behind_at: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Default)]
struct WindowSecond {
    /// The second that the slot counts, from the start.
    second: u64,
    due: u64,
    /// Late or dropped.
    missed: u64,
    max_lag: Duration,
}

impl Punctuality {
    pub(super) fn new(start: Instant) -> Self {
        Self {
            start,
            slots: [WindowSecond::default(); SLOTS],
            late: 0,
            dropped: 0,
            behind_at: None,
        }
    }

    /// Counts a request that is sent at `now`, `lag` after it was due; true if it is late.
    pub(super) fn record_sent(&mut self, now: Instant, lag: Duration) -> bool {
        let is_late = lag.as_millis() > u128::from(LoadObservation::LATE_MILLIS);
        self.late += u64::from(is_late);
        let slot = self.slot_at(now);
        slot.due += 1;
        slot.missed += u64::from(is_late);
        slot.max_lag = slot.max_lag.max(lag);
        if is_late {
            self.follow_missed(now);
        }
        is_late
    }

    /// Counts requests that were due and are not sent.
    pub(super) fn record_dropped(&mut self, now: Instant, count: u64) {
        self.dropped += count;
        let slot = self.slot_at(now);
        slot.due += count;
        slot.missed += count;
        self.follow_missed(now);
    }

    /// Fills in what the window that ends at `now` shows.
    pub(super) fn report(&self, now: Instant, report: &mut LoadObservation) {
        (report.late, report.dropped) = (self.late, self.dropped);
        let max_lag = self.window_at(now).map(|slot| slot.max_lag).max().unwrap_or_default();
        report.max_lag_millis = u64::try_from(max_lag.as_millis()).unwrap_or(u64::MAX);
        let held = Duration::from_secs(LoadObservation::BEHIND_SECONDS);
        report.generator_behind =
            self.behind_at.is_some_and(|at| now.saturating_duration_since(at) < held);
    }

    /// Notes whether the window that ends at `now` has too many late or dropped requests.
    fn follow_missed(&mut self, now: Instant) {
        if self.behind_at.is_some_and(|at| self.second_at(at) == self.second_at(now)) {
            return;
        }
        let (mut due, mut missed) = (0_u64, 0_u64);
        for slot in self.window_at(now) {
            due += slot.due;
            missed += slot.missed;
        }
        // A p99 would show other latencies than those of the model.
        let allowed = due as f64 / 100.0;
        let is_behind = missed as f64 > allowed + MIN_DEVIATIONS * allowed.sqrt();
        if is_behind && missed >= MIN_MISSED {
            self.behind_at = Some(now);
        }
    }

    fn window_at(&self, now: Instant) -> impl Iterator<Item = &WindowSecond> {
        let second = self.second_at(now);
        self.slots.iter().filter(move |slot| slot.second + SLOTS as u64 > second)
    }

    fn slot_at(&mut self, now: Instant) -> &mut WindowSecond {
        let second = self.second_at(now);
        let slot = &mut self.slots[second as usize % SLOTS];
        if slot.second != second {
            *slot = WindowSecond { second, ..WindowSecond::default() };
        }
        slot
    }

    fn second_at(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.start).as_secs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng, rngs::StdRng};

    const IN_TIME: Duration = Duration::from_millis(LoadObservation::LATE_MILLIS);
    const LATE: Duration = Duration::from_millis(LoadObservation::LATE_MILLIS + 1);

    fn report(punctuality: &Punctuality, now: Instant) -> LoadObservation {
        let mut report = LoadObservation::default();
        punctuality.report(now, &mut report);
        report
    }

    #[test]
    fn many_late_requests_invalidate_the_figures_for_some_minutes() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut punctuality = Punctuality::new(start);
        (0..199).for_each(|_| assert!(!punctuality.record_sent(at(1), IN_TIME)));
        assert!(punctuality.record_sent(at(2), LATE));
        let seen = report(&punctuality, at(2));
        assert_eq!((seen.late, seen.max_lag_millis, seen.generator_behind), (1, 101, false));
        punctuality.record_dropped(at(3), 7);
        let seen = report(&punctuality, at(3));
        assert_eq!((seen.late, seen.dropped, seen.generator_behind), (1, 7, true));
        let seen = report(&punctuality, at(2 + LoadObservation::BEHIND_SECONDS));
        assert_eq!((seen.dropped, seen.max_lag_millis, seen.generator_behind), (7, 0, true));
        let seen = report(&punctuality, at(3 + LoadObservation::BEHIND_SECONDS));
        assert!(!seen.generator_behind);
    }

    /// How often `generator_behind` changes in 10 minutes at a rate of `millis` requests in 1000 s, of
    /// which `late_permille` in a thousand are late, after the first minute.
    fn changes_in_steady_state(millis: u64, late_permille: u32, seed: u64) -> u32 {
        let mut random = StdRng::seed_from_u64(seed);
        let start = Instant::now();
        let mut punctuality = Punctuality::new(start);
        let (mut sent, mut last, mut changes) = (0, None, 0);
        for second in 1..=600_u64 {
            let now = start + Duration::from_secs(second);
            while sent < second * millis / 1000 {
                sent += 1;
                let is_late = random.random_range(0..1000) < late_permille;
                punctuality.record_sent(now, if is_late { LATE } else { IN_TIME });
            }
            let is_behind = report(&punctuality, now).generator_behind;
            changes += u32::from(second > 60 && last.is_some_and(|last| last != is_behind));
            last = Some(is_behind);
        }
        changes
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

        /// From 0.1 to 10,000 requests a second; few requests are late, or all.
        #[test]
        fn a_steady_load_is_behind_all_the_time_or_never(
            exponent in 2.0..=7.0_f64,
            late_permille in prop_oneof![0..=3_u32, Just(1000_u32)],
            seed in any::<u64>(),
        ) {
            let millis = 10_f64.powf(exponent).round() as u64;
            prop_assert_eq!(changes_in_steady_state(millis, late_permille, seed), 0);
        }
    }
}
