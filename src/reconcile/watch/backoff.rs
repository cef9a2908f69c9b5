//! The wait between two attempts of a watch.

use std::time::Duration;

/// The wait after the first failure; it doubles with each further one.
const SHORTEST: Duration = Duration::from_millis(800);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(30);

/// Failures in a row of one watch, and the wait that follows from them.
#[derive(Debug, Default)]
pub(super) struct WatchBackoff {
    failures: u32,
}

impl WatchBackoff {
    /// The wait before the next attempt. `jitter`, from 0 to 1, shortens it by up to a quarter, so
    /// that the watches of many scopes spread.
    pub(super) fn next_wait(&mut self, jitter: f64) -> Duration {
        let doubled = SHORTEST.saturating_mul(1u32 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        doubled.min(LONGEST).mul_f64(1.0 - 0.25 * jitter)
    }

    /// The watch delivers again.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_30_s() {
        let mut backoff = WatchBackoff::default();
        let waits: Vec<_> = (0..8).map(|_| backoff.next_wait(0.0).as_millis()).collect();
        assert_eq!(waits, [800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
        backoff.reset();
        assert_eq!(backoff.next_wait(1.0), Duration::from_millis(600));
    }
}
