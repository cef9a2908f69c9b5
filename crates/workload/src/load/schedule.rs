//! The scheduled starts of requests: evenly spaced, at the configured rate.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// The longest sleep of the thread: a new rate or the end takes effect within it.
const MAX_SLEEP: Duration = Duration::from_millis(50);
/// The capacity of the channel of due requests: more than can wait without timing out.
const CHANNEL_CAPACITY: usize = 16_384;

/// The scheduled start of the next request.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    next_start: Instant,
}

/// The requests that are due at one moment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DueRequests {
    /// The scheduled starts, in order.
    pub(super) starts: Vec<Instant>,
    /// How many more were due longer ago than the time-out: their users have given up.
    pub(super) overdue: u64,
}

impl Schedule {
    /// The first request starts at `first`.
    pub(super) fn new(first: Instant) -> Self {
        Self { next_start: first }
    }

    /// Takes the requests that are due at `now`, at `rate` requests a second. Those that were due
    /// longer than `timeout` ago, because the process was suspended, are only counted.
    pub(super) fn take_due(&mut self, now: Instant, rate: u32, timeout: Duration) -> DueRequests {
        let interval = request_interval(rate);
        // A higher rate takes effect now, not after the interval of the lower one.
        self.next_start = self.next_start.min(now + interval);
        let late = now.saturating_duration_since(self.next_start).saturating_sub(timeout);
        let overdue = u32::try_from(late.as_nanos() / interval.as_nanos()).unwrap_or(u32::MAX);
        self.next_start += interval * overdue;
        let mut starts = Vec::new();
        while self.next_start <= now {
            starts.push(self.next_start);
            self.next_start += interval;
        }
        DueRequests { starts, overdue: u64::from(overdue) }
    }

    /// The scheduled start of the next request.
    pub(super) fn next_start(&self) -> Instant {
        self.next_start
    }
}

/// The time between two requests; a rate of 0 counts as 1.
fn request_interval(rate: u32) -> Duration {
    Duration::from_secs(1) / rate.max(1)
}

/// The thread that follows the schedule. A sleeping thread wakes within about 0.1 ms; tokio's
/// timers are late by a millisecond or more, which would add to every latency.
pub(super) struct Pacer {
    /// The rate, in requests a second.
    rate: Arc<AtomicU32>,
    /// The requests that become due.
    pub(super) due: mpsc::Receiver<DueRequests>,
}

impl Pacer {
    /// Starts the thread; it ends when the pacer is dropped.
    ///
    /// # Errors
    /// If the operating system cannot start a thread.
    pub(super) fn start(rate: u32, timeout: Duration) -> std::io::Result<Self> {
        let rate = Arc::new(AtomicU32::new(rate));
        let (sender, due) = mpsc::channel(CHANNEL_CAPACITY);
        let shared = Arc::clone(&rate);
        thread::Builder::new()
            .name("pacer".to_owned())
            .spawn(move || keep_time(&sender, &shared, timeout))?;
        Ok(Self { rate, due })
    }

    /// Changes the rate, in requests a second, from the next request on.
    pub(super) fn set_rate(&self, rate: u32) {
        self.rate.store(rate, Ordering::Relaxed);
    }
}

fn keep_time(sender: &mpsc::Sender<DueRequests>, rate: &AtomicU32, timeout: Duration) {
    let mut schedule = Schedule::new(Instant::now());
    loop {
        let due = schedule.take_due(Instant::now(), rate.load(Ordering::Relaxed), timeout);
        // A full channel blocks the thread; the next turn takes what became due meanwhile.
        let any = !due.starts.is_empty() || due.overdue > 0;
        if sender.is_closed() || (any && sender.blocking_send(due).is_err()) {
            return;
        }
        let pause = schedule.next_start().saturating_duration_since(Instant::now());
        thread::sleep(pause.min(MAX_SLEEP));
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

    #[test]
    fn requests_are_evenly_spaced_and_a_late_call_catches_up() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start);
        assert_eq!(schedule.take_due(start, 10, TIMEOUT).starts, [start]);
        assert_eq!(schedule.take_due(at(start, 99), 10, TIMEOUT).starts, []);
        let caught_up = schedule.take_due(at(start, 350), 10, TIMEOUT);
        assert_eq!(caught_up.starts, [at(start, 100), at(start, 200), at(start, 300)]);
        assert_eq!(schedule.next_start(), at(start, 400));
    }

    #[test]
    fn a_new_rate_takes_effect_at_once() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start);
        schedule.take_due(start, 1, TIMEOUT);
        assert_eq!(schedule.take_due(at(start, 10), 100, TIMEOUT).starts, []);
        assert_eq!(schedule.take_due(at(start, 20), 100, TIMEOUT).starts, [at(start, 20)]);
    }

    #[test]
    fn requests_past_their_timeout_are_only_counted() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start);
        let due = schedule.take_due(at(start, 60_000), 10, TIMEOUT);
        assert_eq!(due.overdue, 550);
        assert_eq!((due.starts.len(), due.starts[0]), (51, at(start, 55_000)));
    }

    proptest! {
        #[test]
        fn the_rate_does_not_depend_on_the_times_of_the_calls(
            rate in 1_u32..=1000, steps in prop::collection::vec(0_u64..3000, 1..30),
        ) {
            let start = Instant::now();
            let mut schedule = Schedule::new(start);
            let (mut now, mut count) = (start, 0_u64);
            for step in steps {
                now += Duration::from_millis(step);
                let due = schedule.take_due(now, rate, TIMEOUT);
                prop_assert_eq!(due.overdue, 0);
                count += due.starts.len() as u64;
            }
            let expected = (now - start).as_nanos() / request_interval(rate).as_nanos() + 1;
            prop_assert_eq!(u128::from(count), expected);
        }
    }
}
