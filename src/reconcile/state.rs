//! The state of an Architecture between two reconciles, in memory only. Correctness never depends on
//! it: it saves requests and restores what others delete, and a restarted operator begins without
//! it.
//!
//! The steps' records are types of this module, so that it imports none of the steps.

use super::{
    key::ArchitectureKey,
    watch::{AutoscalerReadings, CauseReadings, LastSeen, WriteFence},
};
use k8s_openapi::api::events::v1::Event;
use maquette_contract::Revision;
use std::{
    collections::{BTreeSet, HashMap},
    ops::{Deref, DerefMut},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The wait after the first failure; it doubles with each further one.
const INITIAL_BACKOFF: Duration = Duration::from_secs(1);

/// The shortest time between two reconciles of one generation: each of them causes a burst of events.
const MIN_PAUSE: Duration = Duration::from_millis(200);

/// A watch that works is never behind a write for longer.
const MAX_UNSEEN: Duration = Duration::from_secs(60);

/// The last refresh of one pod that was requested from the kubelet.
#[derive(Clone, Debug)]
pub(super) struct KubeletRefresh {
    pub(super) revision: Revision,
    /// How often it was requested for this revision.
    pub(super) attempts: u32,
    pub(super) requested_at: Instant,
}

/// A claim that could not grow, so that the next reconciles do not repeat the request.
#[derive(Clone, Debug)]
pub(super) struct GrowthRefusal {
    /// The size that was requested, as the specification writes it.
    pub(super) size: String,
    pub(super) reason: String,
    pub(super) refused_at: Instant,
}

/// A canary pod that the API server refused, so that the next reconciles do not repeat the request.
#[derive(Clone, Debug)]
pub(super) struct CanaryRefusal {
    pub(super) pod: String,
    pub(super) template_hash: String,
    /// The API server's reason.
    pub(super) message: String,
    pub(super) refused_at: Instant,
}

/// Successful writes of one field that another client had changed.
#[derive(Debug, Default)]
pub(super) struct Repairs {
    /// The hash of the object as it was applied.
    pub(super) desired: u64,
    pub(super) times: Vec<Instant>,
}

/// One version of an object, as a write returned it.
#[derive(Debug)]
pub(super) struct WrittenObject {
    pub(super) version: Option<String>,
    /// The hash of the content that the write applied, all of which the object had.
    pub(super) content: u64,
}

/// An Event that was written a short time ago, or not yet.
#[derive(Debug)]
pub(super) struct EventRecord {
    pub(super) object: Event,
    pub(super) is_written: bool,
}

/// The state of one Architecture.
#[derive(Debug, Default)]
pub(super) struct ReconcileState {
    /// Our writes that the caches may not have seen yet, and when they were made.
    unseen_writes: Vec<(WriteFence, Instant)>,
    /// Failures in a row.
    failures: u32,
    /// The end of the last reconcile, and the generation that it was for.
    reconciled_at: Option<(Instant, i64)>,
    /// The end of the back-off, and the generation that it holds for.
    retry_not_before: Option<(Instant, i64)>,
    /// Components whose configuration was requested to change, while it is unknown whether it did.
    pub(super) uncertain_configs: BTreeSet<String>,
    pub(super) last_seen: LastSeen,
    /// By kind and name: what was written since the last reconcile, and needs no comparison.
    pub(super) written: HashMap<String, WrittenObject>,
    /// By the pod's UID.
    pub(super) kubelet_refreshes: HashMap<String, KubeletRefresh>,
    /// By the claim's name.
    pub(super) refused_growth: HashMap<String, GrowthRefusal>,
    /// A rollout has one canary at a time.
    pub(super) canary_refusal: Option<CanaryRefusal>,
    /// The oldest first.
    pub(super) events: Vec<EventRecord>,
    pub(super) status_written_at: Option<Instant>,
    pub(super) cause_readings: CauseReadings,
    pub(super) autoscaler_readings: AutoscalerReadings,
    /// By object and field: its repairs within the window.
    pub(super) repairs: HashMap<(String, String), Repairs>,
}

impl ReconcileState {
    pub(super) fn record_write(&mut self, fence: WriteFence) {
        self.unseen_writes.push((fence, Instant::now()));
    }

    /// Whether the caches have seen all of our writes.
    pub(super) fn has_seen_writes(&mut self) -> bool {
        // A write that is unseen for longer than any lag of a watch stays unseen, as when another
        // client removes our label from the object. Then the cache is right without it.
        self.unseen_writes.retain(|(fence, at)| !fence.is_passed() && at.elapsed() < MAX_UNSEEN);
        self.unseen_writes.is_empty()
    }

    /// The rest of the back-off, if this generation of the specification failed.
    pub(super) fn remaining_backoff(&self, now: Instant, generation: i64) -> Option<Duration> {
        let (until, failed_generation) = self.retry_not_before?;
        let remaining = until.saturating_duration_since(now);
        (failed_generation == generation && !remaining.is_zero()).then_some(remaining)
    }

    /// A reconcile of this generation of the specification has ended.
    pub(super) fn record_end(&mut self, now: Instant, generation: i64) {
        self.reconciled_at = Some((now, generation));
    }

    /// The wait before the next reconcile of this generation, so that what the last one caused is
    /// seen by one reconcile.
    pub(super) fn remaining_pause(&self, now: Instant, generation: i64) -> Option<Duration> {
        let (ended_at, last_generation) = self.reconciled_at?;
        let remaining = MIN_PAUSE.checked_sub(now.saturating_duration_since(ended_at))?;
        (last_generation == generation && !remaining.is_zero()).then_some(remaining)
    }

    /// Returns the wait before the next attempt, at most `longest`. `jitter`, from 0 to 1, shortens
    /// it by up to a quarter, so that attempts spread.
    pub(super) fn record_failure(
        &mut self,
        now: Instant,
        generation: i64,
        longest: Duration,
        jitter: f64,
    ) -> Duration {
        let doubled = INITIAL_BACKOFF.saturating_mul(1u32 << self.failures.min(16));
        let wait = doubled.min(longest).mul_f64(1.0 - 0.25 * jitter);
        self.failures = self.failures.saturating_add(1);
        self.retry_not_before = Some((now + wait, generation));
        wait
    }

    pub(super) fn clear_failures(&mut self) {
        self.failures = 0;
        self.retry_not_before = None;
    }
}

/// The states of all Architectures.
#[derive(Debug, Default)]
pub(super) struct StateStore(Mutex<HashMap<ArchitectureKey, ReconcileState>>);

impl StateStore {
    /// Reads or changes the state of one Architecture; a new one begins empty.
    pub(super) fn with<T>(
        &self,
        key: &ArchitectureKey,
        act: impl FnOnce(&mut ReconcileState) -> T,
    ) -> T {
        let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        act(states.entry(key.clone()).or_default())
    }

    /// The same for an Architecture that has a state; none if it was forgotten.
    pub(super) fn with_known<T>(
        &self,
        key: &ArchitectureKey,
        act: impl FnOnce(&mut ReconcileState) -> T,
    ) -> Option<T> {
        let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        states.get_mut(key).map(act)
    }

    pub(super) fn forget(&self, key: &ArchitectureKey) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

/// The autoscalers of one Architecture, taken from its state. They are put back when this is dropped,
/// also when a deadline ends the step that has them.
#[derive(Debug)]
pub(super) struct TakenReadings<'a> {
    states: &'a StateStore,
    key: &'a ArchitectureKey,
    readings: AutoscalerReadings,
}

impl<'a> TakenReadings<'a> {
    pub(super) fn new(states: &'a StateStore, key: &'a ArchitectureKey) -> Self {
        let readings = states.with(key, |state| std::mem::take(&mut state.autoscaler_readings));
        Self { states, key, readings }
    }
}

impl Deref for TakenReadings<'_> {
    type Target = AutoscalerReadings;

    fn deref(&self) -> &AutoscalerReadings {
        &self.readings
    }
}

impl DerefMut for TakenReadings<'_> {
    fn deref_mut(&mut self) -> &mut AutoscalerReadings {
        &mut self.readings
    }
}

impl Drop for TakenReadings<'_> {
    fn drop(&mut self) {
        let readings = std::mem::take(&mut self.readings);
        self.states.with(self.key, |state| state.autoscaler_readings = readings);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_specification_is_reconciled_without_a_pause() {
        let (mut state, now) = (ReconcileState::default(), Instant::now());
        assert_eq!(state.remaining_pause(now, 1), None);
        state.record_end(now, 1);
        assert_eq!(state.remaining_pause(now, 1), Some(MIN_PAUSE));
        assert_eq!(state.remaining_pause(now, 2), None);
        assert_eq!(state.remaining_pause(now + MIN_PAUSE, 1), None);
    }

    #[test]
    fn backoff_doubles_up_to_a_bound_and_holds_for_one_generation() {
        let mut state = ReconcileState::default();
        let now = Instant::now();
        let longest = Duration::from_secs(60);
        let waits: Vec<_> =
            (0..12).map(|_| state.record_failure(now, 1, longest, 0.0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60]);
        assert_eq!(state.remaining_backoff(now, 1), Some(longest));
        assert_eq!(state.remaining_backoff(now, 2), None);
        assert_eq!(state.remaining_backoff(now + longest, 1), None);
        assert_eq!(state.record_failure(now, 1, INITIAL_BACKOFF, 0.0), INITIAL_BACKOFF);
        state.clear_failures();
        assert_eq!(state.record_failure(now, 1, longest, 1.0), Duration::from_millis(750));
    }
}
