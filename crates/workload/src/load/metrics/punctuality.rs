//! Whether the load itself keeps up: how late requests were sent in the last seconds, and how many
//! were not sent at all.

use maquette_contract::{LoadObservation, Traffic};
use std::time::{Duration, Instant};

/// One slot for each second of the window.
const SLOTS: usize = Traffic::WINDOW_SECONDS as usize;

/// The requests that became due in the last [`Traffic::WINDOW_SECONDS`], and since the start.
#[derive(Debug)]
pub(super) struct Punctuality {
    start: Instant,
    slots: [Slot; SLOTS],
    /// Since the start.
    late: u64,
    dropped: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// The second that the slot counts, from the start.
    second: u64,
    due: u64,
    /// Late or dropped.
    missed: u64,
    max_lag: Duration,
}

impl Punctuality {
    pub(super) fn new(start: Instant) -> Self {
        Self { start, slots: [Slot::default(); SLOTS], late: 0, dropped: 0 }
    }

    /// Counts a request that is sent at `now`, `lag` after it was due; true if it is late.
    pub(super) fn record_sent(&mut self, now: Instant, lag: Duration) -> bool {
        let is_late = lag.as_millis() > u128::from(LoadObservation::LATE_MILLIS);
        self.late += u64::from(is_late);
        let slot = self.slot_at(now);
        slot.due += 1;
        slot.missed += u64::from(is_late);
        slot.max_lag = slot.max_lag.max(lag);
        is_late
    }

    /// Counts requests that were due and are not sent.
    pub(super) fn record_dropped(&mut self, now: Instant, count: u64) {
        self.dropped += count;
        let slot = self.slot_at(now);
        slot.due += count;
        slot.missed += count;
    }

    /// Fills in what the window that ends at `now` shows.
    pub(super) fn report(&self, now: Instant, report: &mut LoadObservation) {
        let second = self.second_at(now);
        let slots = self.slots.iter().filter(|slot| slot.second + SLOTS as u64 > second);
        let (mut due, mut missed, mut max_lag) = (0_u64, 0_u64, Duration::ZERO);
        for slot in slots {
            due += slot.due;
            missed += slot.missed;
            max_lag = max_lag.max(slot.max_lag);
        }
        (report.late, report.dropped) = (self.late, self.dropped);
        report.max_lag_millis = u64::try_from(max_lag.as_millis()).unwrap_or(u64::MAX);
        // A p99 would show other latencies than those of the model.
        report.generator_behind = missed.saturating_mul(100) > due;
    }

    fn slot_at(&mut self, now: Instant) -> &mut Slot {
        let second = self.second_at(now);
        let slot = &mut self.slots[second as usize % SLOTS];
        if slot.second != second {
            *slot = Slot { second, ..Slot::default() };
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

    #[test]
    fn more_than_one_late_request_in_a_hundred_invalidates_the_window() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut punctuality = Punctuality::new(start);
        let report = |punctuality: &Punctuality, now| {
            let mut report = LoadObservation::default();
            punctuality.report(now, &mut report);
            report
        };
        let (soon, late) = (Duration::from_millis(100), Duration::from_millis(101));
        (0..199).for_each(|_| assert!(!punctuality.record_sent(at(1), soon)));
        assert!(punctuality.record_sent(at(2), late));
        let seen = report(&punctuality, at(2));
        assert_eq!((seen.late, seen.max_lag_millis, seen.generator_behind), (1, 101, false));
        punctuality.record_dropped(at(3), 2);
        let seen = report(&punctuality, at(3));
        assert_eq!((seen.late, seen.dropped, seen.generator_behind), (1, 2, true));
        let seen = report(&punctuality, at(18));
        assert_eq!((seen.late, seen.dropped, seen.generator_behind), (1, 2, false));
        assert_eq!(seen.max_lag_millis, 0);
    }
}
