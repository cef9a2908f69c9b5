//! Runs the virtual users: starts requests when they are due, and follows changes of the settings.
//!
//! One thread does it all, so that a request costs neither a lock nor a switch to another thread.

mod closed_loop;
mod first_answer;
mod scheduled_request;

use super::{
    MAX_IN_FLIGHT, REQUEST_TIMEOUT,
    metrics::LoadMetrics,
    schedule::{PreciseTimer, Rate, Schedule},
    settings::{LoadSettings, OpenLoop, Pace},
    suspension::MAX_PAUSE,
};
use crate::runtime::Runtime;
use closed_loop::ClosedLoopUsers;
use scheduled_request::Shared;
use std::{
    collections::VecDeque,
    io,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::{LocalSet, spawn_local};

/// A generator that is behind its schedule by more, because its process was suspended, drops
/// requests: all of them at once would be a burst that the settings do not ask for, and a model
/// that refuses it would be blamed.
const MAX_CATCH_UP: Duration = Duration::from_millis(500);

/// Runs the virtual users until a stop is requested and the requests in flight have ended. Blocks
/// the thread.
///
/// # Errors
/// If no file handle is left for the thread's own runtime.
pub(super) fn run_blocking(
    runtime: &Arc<Runtime<LoadSettings>>,
    metrics: &Arc<LoadMetrics>,
) -> io::Result<()> {
    // Names are looked up by blocking threads.
    let executor = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(4)
        .thread_stack_size(256 << 10)
        .build()?;
    let outcome = LocalSet::new().block_on(&executor, run(runtime, metrics));
    executor.shutdown_background();
    outcome
}

async fn run(runtime: &Arc<Runtime<LoadSettings>>, metrics: &Arc<LoadMetrics>) -> io::Result<()> {
    let shared = Rc::new(Shared::new(Arc::clone(runtime), Arc::clone(metrics)));
    tokio::select! {
        () = first_answer::await_first_answer(&shared) => metrics.end_wait(),
        () = runtime.shutdown.wait_until_requested() => return Ok(()),
    }
    let mut changes = runtime.config.subscribe();
    changes.mark_unchanged();
    let mut generator = Generator::new(Rc::clone(&shared))?;
    tracing::info!(pace = ?generator.pace, "load started");
    loop {
        let now = Instant::now();
        shared.meter.note_run(now);
        generator.start_due(now);
        let next = generator.next_start(now);
        tokio::select! {
            biased;
            () = runtime.shutdown.wait_until_requested() => break,
            Ok(()) = changes.changed() => generator.follow_settings(),
            () = shared.request_ended(), if !generator.waiting.is_empty() => {}
            slept = generator.timer.sleep_until(next) => slept?,
        }
    }
    shared.meter.note_end(Instant::now());
    shared.stop().await;
    Ok(())
}

struct Generator {
    shared: Rc<Shared>,
    pace: Pace,
    /// Of an open loop.
    schedule: Option<Schedule>,
    closed_loop: ClosedLoopUsers,
    timer: PreciseTimer,
    /// The scheduled starts of the requests that wait for their turn, in order.
    waiting: VecDeque<Instant>,
}

impl Generator {
    fn new(shared: Rc<Shared>) -> io::Result<Self> {
        shared.refresh_settings();
        let pace = shared.active().settings().pace;
        let mut generator = Self {
            closed_loop: ClosedLoopUsers::default(),
            schedule: None,
            timer: PreciseTimer::new()?,
            waiting: VecDeque::new(),
            pace,
            shared,
        };
        generator.follow_pace();
        Ok(generator)
    }

    fn follow_settings(&mut self) {
        self.shared.refresh_settings();
        let pace = self.shared.active().settings().pace;
        if std::mem::replace(&mut self.pace, pace) != pace {
            self.follow_pace();
            tracing::info!(?pace, "load changed");
        }
    }

    fn follow_pace(&mut self) {
        let now = Instant::now();
        match self.pace {
            Pace::Open(OpenLoop { rate, arrivals, ramp }) => match &mut self.schedule {
                Some(schedule) => {
                    // From the rate that it has, not from that of the start.
                    let from = schedule.rate_at(now);
                    let rate = ramp.map_or(Rate::constant(rate), |ramp| {
                        Rate::ramp(from, rate, now, Duration::from_micros(ramp.over_micros))
                    });
                    schedule.change(now, arrivals, rate);
                }
                None => {
                    let rate = ramp.map_or(Rate::constant(rate), |ramp| {
                        let over = Duration::from_micros(ramp.over_micros);
                        Rate::ramp(f64::from(ramp.from), rate, now, over)
                    });
                    self.schedule = Some(Schedule::new(now, arrivals, rate));
                }
            },
            Pace::Closed(closed_loop) => {
                self.schedule = None;
                self.closed_loop.start_missing(&self.shared, closed_loop.users);
            }
        }
    }

    fn next_start(&self, now: Instant) -> Instant {
        let latest = now + MAX_PAUSE;
        self.schedule.as_ref().map_or(latest, |schedule| schedule.next_start().min(latest))
    }

    /// Starts the requests that are due at `now`, while fewer than [`MAX_IN_FLIGHT`] are in flight.
    /// Those that have waited until their time-out are dropped.
    fn start_due(&mut self, now: Instant) {
        let mut dropped = 0;
        if let Some(schedule) = &mut self.schedule {
            let due = schedule.take_due(now, MAX_CATCH_UP);
            dropped = due.overdue;
            self.waiting.extend(due.starts);
        }
        while let Some(start) = self.waiting.front().copied() {
            if now.saturating_duration_since(start) >= REQUEST_TIMEOUT {
                dropped += 1;
            } else if self.shared.in_flight() < MAX_IN_FLIGHT {
                spawn_local(self.shared.begin_request(start, start).run());
            } else {
                break;
            }
            self.waiting.pop_front();
        }
        if dropped > 0 {
            // The load itself was late or at its limit: these requests do not count as failed.
            self.shared.metrics.record_dropped(dropped);
        }
        self.shared.set_gauges(self.waiting.len());
        self.shared.metrics.log_summary(now);
    }
}
