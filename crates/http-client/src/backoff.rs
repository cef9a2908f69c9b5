//! Exponential back-off between attempts.

use std::time::Duration;

/// The pauses between attempts: each is twice as long as the one before, up to a maximum.
///
/// Not randomized: the callers in this workspace start their attempts at unrelated times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    next: Duration,
    max: Duration,
}

impl Backoff {
    /// Starts at `first`; no pause is longer than `max`, except that the first may be.
    pub const fn new(first: Duration, max: Duration) -> Self {
        Self { next: first, max }
    }

    /// The pause before the next attempt; the one after it is twice as long, at most the maximum.
    pub fn next_pause(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(self.max);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_maximum() {
        let mut backoff = Backoff::new(Duration::from_millis(20), Duration::from_millis(70));
        let pauses: Vec<u128> = (0..4).map(|_| backoff.next_pause().as_millis()).collect();
        assert_eq!(pauses, [20, 40, 70, 70]);
    }
}
