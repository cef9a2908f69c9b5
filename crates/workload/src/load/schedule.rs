//! When requests begin: evenly, at the configured rate.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// How long the thread sleeps at most, so that it soon hears of a new rate or of the end.
const MAX_SLEEP: Duration = Duration::from_millis(50);
/// Starts that may wait to be taken: above all that can wait and have not given up.
const CHANNEL_CAPACITY: usize = 16_384;

/// The times at which requests begin.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    next_start: Instant,
}

/// What is due.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DueRequests {
    /// The times at which requests should have begun.
    pub(super) starts: Vec<Instant>,
    /// How many more were due so long ago that nobody waits for them any more.
    pub(super) overdue: u64,
}

impl Schedule {
    /// The first request begins at `first`.
    pub(super) fn new(first: Instant) -> Self {
        Self { next_start: first }
    }

    /// Takes everything that is due at `now`, at `rate` requests in each second; what was due
    /// longer than `patience` ago, because the process was held up, is only counted.
    pub(super) fn take_due(&mut self, now: Instant, rate: u32, patience: Duration) -> DueRequests {
        let gap = request_interval(rate);
        // A higher rate begins now, not after the pause of the lower one.
        self.next_start = self.next_start.min(now + gap);
        let late = now.saturating_duration_since(self.next_start).saturating_sub(patience);
        let overdue = u32::try_from(late.as_nanos() / gap.as_nanos()).unwrap_or(u32::MAX);
        self.next_start += gap * overdue;
        let mut starts = Vec::new();
        while self.next_start <= now {
            starts.push(self.next_start);
            self.next_start += gap;
        }
        DueRequests { starts, overdue: u64::from(overdue) }
    }

    /// When the next request begins.
    pub(super) fn next(&self) -> Instant {
        self.next_start
    }
}

/// From one request to the next; a rate of 0 counts as 1.
fn request_interval(rate: u32) -> Duration {
    Duration::from_secs(1) / rate.max(1)
}

/// The thread that keeps the time. Tokio's timers have a granularity of a millisecond and come
/// later than that, which would be part of every latency; a sleeping thread wakes within about
/// 0.1 ms.
pub(super) struct Pacer {
    /// Requests in each second.
    rate: Arc<AtomicU32>,
    /// What is due.
    pub(super) due: mpsc::Receiver<DueRequests>,
}

impl Pacer {
    /// Starts the thread; it ends when the pacer is dropped.
    ///
    /// # Errors
    /// If the system refuses a thread.
    pub(super) fn start(rate: u32, patience: Duration) -> std::io::Result<Self> {
        let rate = Arc::new(AtomicU32::new(rate));
        let (sender, due) = mpsc::channel(CHANNEL_CAPACITY);
        let shared = Arc::clone(&rate);
        thread::Builder::new()
            .name("pacer".to_owned())
            .spawn(move || keep_time(&sender, &shared, patience))?;
        Ok(Self { rate, due })
    }

    /// Begins so many requests in each second from now on.
    pub(super) fn set_rate(&self, rate: u32) {
        self.rate.store(rate, Ordering::Relaxed);
    }
}

fn keep_time(sender: &mpsc::Sender<DueRequests>, rate: &AtomicU32, patience: Duration) {
    let mut schedule = Schedule::new(Instant::now());
    loop {
        let due = schedule.take_due(Instant::now(), rate.load(Ordering::Relaxed), patience);
        // A full channel holds the thread up; what becomes due meanwhile is found afterwards.
        let any = !due.starts.is_empty() || due.overdue > 0;
        if sender.is_closed() || (any && sender.blocking_send(due).is_err()) {
            return;
        }
        let pause = schedule.next().saturating_duration_since(Instant::now());
        thread::sleep(pause.min(MAX_SLEEP));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    fn at(start: Instant, millis: u64) -> Instant {
        start + Duration::from_millis(millis)
    }

    #[test]
    fn requests_are_even_and_a_late_look_catches_up() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start);
        assert_eq!(schedule.take_due(start, 10, PATIENCE).starts, [start]);
        assert_eq!(schedule.take_due(at(start, 99), 10, PATIENCE).starts, []);
        let caught_up = schedule.take_due(at(start, 350), 10, PATIENCE);
        assert_eq!(caught_up.starts, [at(start, 100), at(start, 200), at(start, 300)]);
        assert_eq!(schedule.next(), at(start, 400));
    }

    #[test]
    fn a_new_rate_holds_at_once() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start);
        schedule.take_due(start, 1, PATIENCE);
        assert_eq!(schedule.take_due(at(start, 10), 100, PATIENCE).starts, []);
        assert_eq!(schedule.take_due(at(start, 20), 100, PATIENCE).starts, [at(start, 20)]);
    }

    #[test]
    fn what_nobody_waits_for_any_more_is_counted() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start);
        let due = schedule.take_due(at(start, 60_000), 10, PATIENCE);
        assert_eq!(due.overdue, 550);
        assert_eq!((due.starts.len(), due.starts[0]), (51, at(start, 55_000)));
    }

    proptest! {
        #[test]
        fn however_it_is_looked_at_the_rate_is_right(
            rate in 1_u32..=1000, steps in prop::collection::vec(0_u64..3000, 1..30),
        ) {
            let start = Instant::now();
            let mut schedule = Schedule::new(start);
            let (mut now, mut count) = (start, 0_u64);
            for step in steps {
                now += Duration::from_millis(step);
                let due = schedule.take_due(now, rate, PATIENCE);
                prop_assert_eq!(due.overdue, 0);
                count += due.starts.len() as u64;
            }
            let want = (now - start).as_nanos() / request_interval(rate).as_nanos() + 1;
            prop_assert_eq!(u128::from(count), want);
        }
    }
}
