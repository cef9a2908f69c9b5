//! Counts and latencies of the requests of the last seconds.

use crate::runtime::{lock, whole_micros};
use maquette_contract::Traffic;
use std::{
    fmt,
    sync::Mutex,
    time::{Duration, Instant},
};

/// One slot for each second of the window.
const SLOTS: usize = Traffic::WINDOW_SECONDS as usize;
/// Buckets within each doubling of a duration, so a quantile is at most 1/8 too high.
const STEPS_PER_DOUBLING: usize = 8;
/// Doublings from 1 µs to 67 s; a longer duration counts as 67 s.
const DOUBLINGS: usize = 26;

/// A sliding window of [`Traffic::WINDOW_SECONDS`] seconds. Its memory does not depend on the
/// traffic: 13 KiB from the first request on, about 1 KiB before.
pub struct SlidingWindow {
    start: Instant,
    counts: Mutex<WindowCounts>,
}

#[derive(Default)]
struct WindowCounts {
    slots: [Slot; SLOTS],
    /// The second in which the last request succeeded, from the window's start.
    last_success: Option<u64>,
}

#[derive(Default)]
struct Slot {
    /// The second that the slot counts, from the window's start.
    second: u64,
    failures: u64,
    /// Requests by latency bucket; empty until the first request.
    counts: Vec<u32>,
}

impl Default for SlidingWindow {
    fn default() -> Self {
        Self { start: Instant::now(), counts: Mutex::default() }
    }
}

impl fmt::Debug for SlidingWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlidingWindow")
            .field("traffic", &self.current_traffic())
            .finish_non_exhaustive()
    }
}

impl SlidingWindow {
    /// Counts a request that ends now.
    pub fn record(&self, took: Duration, failed: bool) {
        self.record_at(Instant::now(), took, failed);
    }

    /// The traffic of the window that ends now.
    pub fn current_traffic(&self) -> Traffic {
        self.traffic_at(Instant::now())
    }

    fn record_at(&self, now: Instant, took: Duration, failed: bool) {
        let second = self.second_at(now);
        let mut counts = lock(&self.counts);
        if !failed {
            counts.last_success = counts.last_success.max(Some(second));
        }
        let slot = &mut counts.slots[second as usize % SLOTS];
        if slot.second != second {
            slot.second = second;
            slot.failures = 0;
            slot.counts.fill(0);
        }
        slot.counts.resize(STEPS_PER_DOUBLING * (DOUBLINGS + 1), 0);
        slot.counts[bucket_index(took)] += 1;
        slot.failures += u64::from(failed);
    }

    fn traffic_at(&self, now: Instant) -> Traffic {
        let now = self.second_at(now);
        let window = lock(&self.counts);
        let mut counts = vec![0_u64; STEPS_PER_DOUBLING * (DOUBLINGS + 1)];
        let mut failures = 0;
        for slot in window.slots.iter().filter(|slot| slot.second + SLOTS as u64 > now) {
            counts.iter_mut().zip(&slot.counts).for_each(|(sum, count)| *sum += u64::from(*count));
            failures += slot.failures;
        }
        let requests = counts.iter().sum();
        Traffic {
            requests,
            failures,
            p50_micros: quantile_micros(&counts, requests.div_ceil(2)),
            p99_micros: quantile_micros(&counts, (requests * 99).div_ceil(100)),
            idle_seconds: window.last_success.map(|last| now.saturating_sub(last)),
        }
    }

    fn second_at(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.start).as_secs()
    }
}

/// The bucket of a duration: doubling times [`STEPS_PER_DOUBLING`], plus the step within it.
fn bucket_index(took: Duration) -> usize {
    let longest = (1_u64 << DOUBLINGS) * 2 - 1;
    let micros = whole_micros(took).clamp(1, longest);
    let doubling = micros.ilog2() as usize;
    let step = ((micros - (1 << doubling)) * STEPS_PER_DOUBLING as u64) >> doubling;
    doubling * STEPS_PER_DOUBLING + step as usize
}

/// The longest duration in a bucket, in microseconds.
fn bucket_upper_bound(bucket: usize) -> u64 {
    let (doubling, step) = (bucket / STEPS_PER_DOUBLING, (bucket % STEPS_PER_DOUBLING) as u64);
    let steps = STEPS_PER_DOUBLING as u64;
    (((steps + step + 1) << doubling).div_ceil(steps)).saturating_sub(1).max(1)
}

/// The latency, in microseconds, that `rank` requests do not exceed; 0 if `rank` is 0.
fn quantile_micros(counts: &[u64], rank: u64) -> u64 {
    if rank == 0 {
        return 0;
    }
    let mut cumulative = 0;
    for (bucket, count) in counts.iter().enumerate() {
        cumulative += count;
        if cumulative >= rank {
            return bucket_upper_bound(bucket);
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn requests_count_while_they_are_within_the_window() {
        let window = SlidingWindow::default();
        let at = |second: u64| window.start + Duration::from_secs(second);
        assert_eq!(window.traffic_at(at(0)), Traffic::default());
        (0..98).for_each(|_| window.record_at(at(3), millis(10), false));
        window.record_at(at(9), millis(500), true);
        window.record_at(at(9), millis(500), false);
        let traffic = window.traffic_at(at(10));
        assert_eq!((traffic.requests, traffic.failures), (100, 1));
        assert!((10_000..11_250).contains(&traffic.p50_micros), "{traffic:?}");
        assert!((500_000..562_500).contains(&traffic.p99_micros), "{traffic:?}");
        assert_eq!(window.traffic_at(at(18)).requests, 2);
        let idle = Traffic { idle_seconds: Some(15), ..Traffic::default() };
        assert_eq!(window.traffic_at(at(24)), idle);
        window.record_at(at(18), millis(1), false);
        assert_eq!(window.traffic_at(at(18)).requests, 3, "a slot is reused after its second");
    }

    #[test]
    fn a_failure_leaves_no_trace_after_the_window() {
        let window = SlidingWindow::default();
        let at = |second: u64| window.start + Duration::from_secs(second);
        window.record_at(at(3), millis(10), true);
        assert_eq!(window.traffic_at(at(4)).failures, 1);
        assert!(!window.traffic_at(at(4)).has_success());
        assert_eq!(window.traffic_at(at(30)), Traffic::default());
        window.record_at(at(31), millis(10), false);
        window.record_at(at(32), millis(10), true);
        assert_eq!(window.traffic_at(at(33)).idle_seconds, Some(2));
    }

    proptest! {
        #[test]
        fn a_bucket_is_at_most_an_eighth_wide(micros in 1_u64..1 << 27) {
            let upper = bucket_upper_bound(bucket_index(Duration::from_micros(micros)));
            prop_assert!(upper >= micros && upper <= micros + micros / 8, "{micros} -> {upper}");
        }
    }

    #[test]
    fn the_longest_duration_has_a_bucket() {
        assert_eq!(bucket_index(Duration::MAX), STEPS_PER_DOUBLING * (DOUBLINGS + 1) - 1);
    }
}
