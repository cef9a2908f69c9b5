//! The tries of one call: when the next is sent, and which outcome counts.
//!
//! A try without an answer in its part of the time is not cancelled: it may still be the first to
//! answer ("hedged requests" in Dean and Barroso, "The Tail at Scale", 2013; Envoy's
//! `hedge_on_per_try_timeout`). The number of such further tries is bounded as Envoy's
//! `retry_budget` bounds it: a fifth of the requests in flight, but at least 3. So a target that is
//! slow as a whole does not get a multiple of its load.

use super::call::{CallResponse, TryError};
use futures_util::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use maquette_http_client::{Backoff, PodName, Try};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, sleep_until, timeout_at};

/// The pauses between attempts of one request.
pub(crate) const RETRY_BACKOFF: Backoff =
    Backoff::new(Duration::from_millis(20), Duration::from_millis(250));
/// The part of the time that is left after which the next try is sent.
const TRY_FRACTION: u32 = 4;
/// The longest time after which the next try is sent.
const MAX_TRY_TIME: Duration = Duration::from_secs(1);
/// Tries of one call that are in flight at once.
const MAX_CONCURRENT_TRIES: usize = 3;
/// Further tries in flight that are always allowed, over all calls to the target.
const MIN_EXTRA_TRIES: usize = 3;
/// Above that, the further tries are at most this fraction of the calls in flight.
const EXTRA_TRIES_FRACTION: usize = 5;

/// The calls to one target and their further tries, in flight.
#[derive(Debug, Default)]
pub(super) struct TryCounts {
    calls: AtomicUsize,
    extra: AtomicUsize,
}

/// Counts a call or a further try until it is dropped.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl TryCounts {
    /// Counts a further try beside one in flight, if the budget allows it.
    fn start_extra(&self) -> Option<Counted<'_>> {
        let allowed =
            (self.calls.load(Ordering::Relaxed) / EXTRA_TRIES_FRACTION).max(MIN_EXTRA_TRIES);
        let counted = Counted::new(&self.extra);
        (self.extra.load(Ordering::Relaxed) <= allowed).then_some(counted)
    }
}

/// When the next try is sent if the one that begins now has no answer.
fn next_try_time(now: Instant, deadline: Instant) -> Instant {
    now + (deadline.saturating_duration_since(now) / TRY_FRACTION).min(MAX_TRY_TIME)
}

/// Sends the tries of one call.
pub(super) trait TrySender: Sync {
    /// Sends the request once. `is_repeated` says that the target may have seen it.
    fn send_try(
        &self,
        this_try: &Try,
        is_repeated: bool,
    ) -> impl Future<Output = Result<CallResponse, TryError>> + Send;

    /// Notes that a try has no answer in its part of the time, while another one has.
    fn record_slow(&self, this_try: &Try);
}

impl TryCounts {
    /// Makes tries until one has an outcome that counts. An error of none means that no try ended
    /// before the deadline.
    pub(super) async fn run<S: TrySender>(
        &self,
        sender: &S,
        deadline: Instant,
    ) -> Result<CallResponse, Option<TryError>> {
        let _call = Counted::new(&self.calls);
        let first_try = Arc::<Try>::default();
        let next_try = next_try_time(Instant::now(), deadline);
        let sent = Arc::clone(&first_try);
        let mut first: TryFuture<'_> = Box::pin(async move {
            let outcome = sender.send_try(&sent, false).await;
            (sent, outcome)
        });
        let failure = match timeout_at(next_try, &mut first).await {
            Ok((_, Ok(response))) => return Ok(response),
            Ok((_, Err(failure))) => Some(failure),
            Err(_) => None,
        };
        let mut tries = FurtherTries::new(self, sender, deadline, next_try);
        match failure {
            Some(failure) => tries.note_failure(failure).map_err(Some)?,
            None => {
                tries.not_slow_yet.push(first_try);
                tries.in_flight.push(first);
            }
        }
        // Rare: the state of a call without further tries is small.
        match Box::pin(timeout_at(deadline, tries.run())).await {
            Ok(outcome) => outcome.map_err(Some),
            Err(_) => Err(tries.last_error),
        }
    }
}

/// A try in flight, and its outcome.
type TryFuture<'a> = BoxFuture<'a, (Arc<Try>, Result<CallResponse, TryError>)>;

/// The tries of a call after the first one has failed, or has no answer in its part of the time.
struct FurtherTries<'a, S> {
    counts: &'a TryCounts,
    sender: &'a S,
    deadline: Instant,
    in_flight: FuturesUnordered<TryFuture<'a>>,
    /// The tries in flight that still have some of their time.
    not_slow_yet: Vec<Arc<Try>>,
    /// The tries that have used up their part of the time.
    slow: Vec<Arc<Try>>,
    /// The pods of tries that failed or are slow.
    avoid: Vec<PodName>,
    next_try: Instant,
    backoff: Backoff,
    /// Whether the target may have seen a try that has ended.
    may_be_received: bool,
    last_error: Option<TryError>,
}

impl<'a, S: TrySender> FurtherTries<'a, S> {
    fn new(counts: &'a TryCounts, sender: &'a S, deadline: Instant, next_try: Instant) -> Self {
        Self {
            counts,
            sender,
            deadline,
            in_flight: FuturesUnordered::new(),
            not_slow_yet: vec![],
            slow: vec![],
            avoid: vec![],
            next_try,
            backoff: RETRY_BACKOFF,
            may_be_received: false,
            last_error: None,
        }
    }

    async fn run(&mut self) -> Result<CallResponse, TryError> {
        loop {
            tokio::select! {
                Some((answered, outcome)) = self.in_flight.next(), if !self.in_flight.is_empty() => {
                    match outcome {
                        Ok(response) => {
                            if !response.status.is_server_error() {
                                self.record_slow_pods(&answered);
                            }
                            return Ok(response);
                        }
                        Err(failure) => {
                            self.forget(&answered);
                            self.avoid.extend(answered.pod());
                            self.note_failure(failure)?;
                        }
                    }
                }
                () = sleep_until(self.next_try) => {
                    self.note_slow_tries();
                    self.send_next();
                    self.next_try = next_try_time(Instant::now(), self.deadline);
                }
            }
        }
    }

    /// Decides what follows a failed try: an error if the call has failed.
    fn note_failure(&mut self, failure: TryError) -> Result<(), TryError> {
        self.may_be_received |= matches!(failure, TryError::Interrupted(_));
        let may_repeat = !matches!(failure, TryError::Permanent(_));
        let next_try = Instant::now() + self.backoff.next_pause();
        let is_over = !may_repeat || next_try >= self.deadline;
        if is_over && self.in_flight.is_empty() {
            return Err(failure);
        }
        self.last_error = Some(failure);
        self.next_try = self.next_try.min(next_try);
        Ok(())
    }

    fn forget(&mut self, ended: &Arc<Try>) {
        self.not_slow_yet.retain(|this_try| !Arc::ptr_eq(this_try, ended));
        self.slow.retain(|this_try| !Arc::ptr_eq(this_try, ended));
    }

    /// The next try goes to other pods than those without an answer in its part of the time.
    fn note_slow_tries(&mut self) {
        self.avoid.extend(self.not_slow_yet.iter().filter_map(|slow| slow.pod()));
        self.slow.append(&mut self.not_slow_yet);
    }

    /// Pods are slow that have not answered what another one has answered in its part of the time. If
    /// no pod is fast, what they depend on is slow.
    fn record_slow_pods(&self, answered: &Arc<Try>) {
        let is_slow = |this_try: &Arc<Try>| self.slow.iter().any(|it| Arc::ptr_eq(it, this_try));
        if is_slow(answered) {
            return;
        }
        for slow in &self.slow {
            if slow.pod().is_none() || slow.pod() != answered.pod() {
                self.sender.record_slow(slow);
            }
        }
    }

    fn send_next(&mut self) {
        let (counts, sender) = (self.counts, self.sender);
        let extra = match self.in_flight.len() {
            0 => None,
            MAX_CONCURRENT_TRIES.. => return,
            _ => match counts.start_extra() {
                Some(extra) => Some(extra),
                None => return,
            },
        };
        let is_repeated = self.may_be_received || !self.in_flight.is_empty();
        let next = Arc::new(Try::avoiding(self.avoid.clone()));
        self.not_slow_yet.push(Arc::clone(&next));
        self.in_flight.push(Box::pin(async move {
            let _extra = extra;
            let outcome = sender.send_try(&next, is_repeated).await;
            (next, outcome)
        }));
    }
}
