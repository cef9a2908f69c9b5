//! The memory of large requests and replies: one budget of bytes for all connections.
//!
//! Every connection may hold [`SMALL_BUFFER`] bytes in each direction. For more it needs a place in
//! the budget, which it keeps until its buffers are small again. A place is taken once and is as large
//! as the request or the page of a reply can become, so that no holder waits for another one: requests
//! and replies have budgets of their own, and no holder of a reply waits for a request.
//!
//! While others wait, a holder must make progress: see [`MIN_RATE`].

use super::limits::SMALL_BUFFER;
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep},
};

/// What each argument of a request and each key of a reply costs besides its bytes.
pub(in crate::store) const ARGUMENT_COST: usize = 64;
/// The memory of a page of values: just under 2 MiB, and their encoded copy.
pub(in crate::store) const REPLY_PAGE_COST: usize = 4 * 1024 * 1024;
/// The bytes per second that the holder of a place must move while others wait.
const MIN_RATE: u64 = 512 * 1024;
/// For so long, the holder of a place needs no progress.
const GRACE: Duration = Duration::from_secs(2);
/// Between two looks at the progress of a holder.
const CHECK_INTERVAL: Duration = Duration::from_millis(250);
/// The budget is counted in units of this many bytes.
const UNIT: usize = 1024;

/// A budget of bytes; clones share it.
#[derive(Clone, Debug)]
pub(in crate::store) struct MemoryBudget {
    free: Arc<Semaphore>,
    total: usize,
    waiting: Arc<AtomicUsize>,
}

/// A part of the budget, until it is dropped.
#[derive(Debug)]
pub(in crate::store) struct Place {
    budget: MemoryBudget,
    /// The time that the client took to send or read.
    waited: Duration,
    /// The bytes that it sent or read in this time.
    moved: u64,
    units: OwnedSemaphorePermit,
}

impl MemoryBudget {
    /// A budget of `bytes`.
    pub(in crate::store) fn new(bytes: usize) -> Self {
        let total = bytes.div_ceil(UNIT);
        Self { free: Arc::new(Semaphore::new(total)), total, waiting: Arc::default() }
    }

    /// Waits for a place of `cost` bytes; one above the whole budget takes all of it.
    ///
    /// # Errors
    /// None while the server runs.
    pub(in crate::store) async fn acquire(&self, cost: usize) -> io::Result<Place> {
        let units = u32::try_from(self.units_of(cost)).unwrap_or(u32::MAX);
        let _waiting = Waiting::count(&self.waiting);
        let permit = Arc::clone(&self.free).acquire_many_owned(units).await;
        Ok(Place {
            budget: self.clone(),
            waited: Duration::ZERO,
            moved: 0,
            units: permit.map_err(io::Error::other)?,
        })
    }

    fn units_of(&self, cost: usize) -> usize {
        cost.div_ceil(UNIT).min(self.total)
    }
}

impl Place {
    /// Whether the place is large enough for `cost` bytes.
    pub(in crate::store) fn covers(&self, cost: usize) -> bool {
        self.units.num_permits() >= self.budget.units_of(cost)
    }
}

/// The places of one connection.
#[derive(Debug, Default)]
pub(in crate::store) struct Places {
    /// For a large request, from its reading to its reply.
    pub(in crate::store) request: Option<Place>,
    /// For a large page of replies, until it is sent.
    pub(in crate::store) reply: Option<Place>,
}

impl Places {
    /// Receives or sends some bytes of the client; returns how many.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`] if others wait for one of these places and the client is too slow.
    pub(in crate::store) async fn transfer(
        &mut self,
        bytes: impl Future<Output = io::Result<usize>>,
    ) -> io::Result<usize> {
        let start = Instant::now();
        let moved = tokio::select! {
            biased;
            () = self.wait_until_overdue(start) => Err(io::ErrorKind::TimedOut.into()),
            moved = bytes => moved,
        };
        for place in [&mut self.request, &mut self.reply].into_iter().flatten() {
            place.waited += start.elapsed();
            place.moved += moved.as_ref().map_or(0, |bytes| *bytes as u64);
        }
        moved
    }

    async fn wait_until_overdue(&self, start: Instant) {
        if self.request.is_none() && self.reply.is_none() {
            return std::future::pending().await;
        }
        let is_overdue =
            |place: &Option<Place>| place.as_ref().is_some_and(|place| place.is_overdue(start));
        while !is_overdue(&self.request) && !is_overdue(&self.reply) {
            sleep(CHECK_INTERVAL).await;
        }
    }
}

impl Place {
    /// Whether the client is too slow in a transfer that began at `start`. The time in which its request
    /// is executed does not count.
    fn is_overdue(&self, start: Instant) -> bool {
        let waited = self.waited + start.elapsed();
        let expected = waited.saturating_sub(GRACE).as_secs_f64() * MIN_RATE as f64;
        waited > GRACE
            && (self.moved as f64) < expected
            && self.budget.waiting.load(Ordering::Relaxed) > 0
    }
}

/// Counts one that waits until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn count(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether `cost` bytes need a place.
pub(in crate::store) fn is_large(cost: usize) -> bool {
    cost > SMALL_BUFFER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_slow_client_is_given_up_only_while_others_wait() {
        let budget = MemoryBudget::new(UNIT);
        let place = budget.acquire(2 * UNIT).await.unwrap();
        let mut places = Places { request: Some(place), reply: None };
        let slow_transfer = || async {
            sleep(Duration::from_secs(60)).await;
            Ok(1)
        };
        assert_eq!(places.transfer(slow_transfer()).await.unwrap(), 1);
        // The execution takes long: that is not the client's time.
        places.request.as_mut().unwrap().waited = Duration::ZERO;
        let waiting = tokio::spawn(async move { budget.acquire(1).await.unwrap() });
        sleep(Duration::from_secs(60)).await;
        assert_eq!(places.transfer(async { Ok(7) }).await.unwrap(), 7);
        let start = Instant::now();
        let given_up = places.transfer(slow_transfer()).await.unwrap_err();
        assert_eq!(given_up.kind(), io::ErrorKind::TimedOut);
        assert!(start.elapsed() <= GRACE + 2 * CHECK_INTERVAL, "{:?}", start.elapsed());
        drop(places);
        waiting.await.unwrap();
    }
}
