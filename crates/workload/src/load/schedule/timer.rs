//! A timer of the kernel: it fires within about 0.1 ms, where tokio's timers are late by a
//! millisecond or more, which would add to every latency.

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use std::{
    io,
    os::fd::OwnedFd,
    time::{Duration, Instant},
};
use tokio::io::unix::AsyncFd;

/// One timer. It belongs to the runtime that it was made in.
#[derive(Debug)]
pub(in crate::load) struct PreciseTimer {
    timer: AsyncFd<OwnedFd>,
    /// When it fires; none if it is not set.
    set_to: Option<Instant>,
}

impl PreciseTimer {
    /// A timer that is not set.
    ///
    /// # Errors
    /// If no file handle is left.
    #[expect(deprecated, reason = "its successor is unsafe; an OwnedFd owns one file handle")]
    pub(in crate::load) fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = AsyncFd::new(timerfd_create(TimerfdClockId::Monotonic, flags)?)?;
        Ok(Self { timer, set_to: None })
    }

    /// Waits until `at`. May be dropped and called again.
    ///
    /// # Errors
    /// None that are expected: the kernel can always set and read a timer.
    pub(in crate::load) async fn sleep_until(&mut self, at: Instant) -> io::Result<()> {
        let pause = at.saturating_duration_since(Instant::now());
        if pause.is_zero() {
            // A loop that is always late still lets other tasks run.
            tokio::task::yield_now().await;
            return Ok(());
        }
        if self.set_to != Some(at) {
            self.set(pause)?;
            self.set_to = Some(at);
        }
        loop {
            let mut readable = self.timer.readable().await?;
            let mut expirations = [0; 8];
            let read = readable
                .try_io(|timer| Ok(rustix::io::read(timer.get_ref(), &mut expirations[..])?));
            if let Ok(read) = read {
                self.set_to = None;
                return read.map(drop);
            }
        }
    }

    fn set(&self, pause: Duration) -> io::Result<()> {
        let once = Timespec { tv_sec: 0, tv_nsec: 0 };
        let value = Timespec {
            tv_sec: i64::try_from(pause.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: pause.subsec_nanos().into(),
        };
        let times = Itimerspec { it_interval: once, it_value: value };
        timerfd_settime(self.timer.get_ref(), TimerfdTimerFlags::empty(), &times)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_fires_at_its_time_and_can_be_set_again() {
        let mut timer = PreciseTimer::new().unwrap();
        let start = Instant::now();
        let far = start + Duration::from_secs(3600);
        tokio::select! {
            biased;
            _ = timer.sleep_until(far) => panic!("too early"),
            () = tokio::task::yield_now() => {}
        }
        for millis in [5, 10, 15] {
            let at = start + Duration::from_millis(millis);
            timer.sleep_until(at).await.unwrap();
            assert!(Instant::now() >= at);
        }
    }
}
