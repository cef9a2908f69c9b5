//! When each Architecture's pods are polled next: often while it is not ready, rarely while it is,
//! and never twice at the same time.

use super::{
    super::key::ArchitectureKey,
    choose::{PollHistory, PollMode, SLOW},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{
    sync::Notify,
    time::{Duration, Instant},
};

/// The interval while an Architecture is not ready.
const FAST: Duration = Duration::from_secs(2);

/// When each Architecture's pods are polled next.
#[derive(Debug, Default)]
pub(in crate::reconcile) struct PollSchedule {
    entries: Mutex<HashMap<ArchitectureKey, PollEntry>>,
    changed: Notify,
}

#[derive(Debug)]
struct PollEntry {
    mode: PollMode,
    next: Instant,
    /// A round is under way; the next one waits for its end.
    is_running: bool,
    history: Arc<Mutex<PollHistory>>,
}

/// A round that is due.
#[derive(Clone, Debug)]
pub(super) struct DueRound {
    pub(super) key: ArchitectureKey,
    pub(super) mode: PollMode,
    history: Arc<Mutex<PollHistory>>,
}

impl DueRound {
    pub(super) fn history(&self) -> MutexGuard<'_, PollHistory> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PollSchedule {
    /// Sets how an Architecture is polled. One that is no longer ready is polled at once.
    pub(in crate::reconcile) fn set_mode(&self, key: &ArchitectureKey, mode: PollMode) {
        let mut entries = self.lock_entries();
        let now = Instant::now();
        match entries.get_mut(key) {
            Some(entry) if entry.mode == mode => {}
            Some(entry) => {
                entry.next = if mode.is_ready { now + SLOW } else { now };
                entry.mode = mode;
                self.changed.notify_one();
            }
            None => {
                let history = Arc::default();
                let entry = PollEntry { mode, next: now, is_running: false, history };
                entries.insert(key.clone(), entry);
                self.changed.notify_one();
            }
        }
    }

    /// Drops a deleted Architecture.
    pub(in crate::reconcile) fn forget(&self, key: &ArchitectureKey) {
        self.lock_entries().remove(key);
    }

    /// Starts the rounds that are due, the one that waits for the longest time first. Also returns
    /// when the next one is due.
    pub(super) fn start_due(&self, now: Instant) -> (Vec<DueRound>, Option<Instant>) {
        let mut entries = self.lock_entries();
        let mut due = vec![];
        for (key, entry) in entries.iter_mut() {
            if entry.is_running || entry.next > now {
                continue;
            }
            let since = entry.next;
            entry.is_running = true;
            entry.next = now + FAST;
            let (mode, history) = (entry.mode.clone(), Arc::clone(&entry.history));
            due.push((since, DueRound { key: key.clone(), mode, history }));
        }
        due.sort_by_key(|(since, _)| *since);
        let waiting = entries.values().filter(|entry| !entry.is_running);
        let next = waiting.map(|entry| entry.next).min();
        (due.into_iter().map(|(_, round)| round).collect(), next)
    }

    /// The round that started at `started` has ended. Until all pods have answered once, the next
    /// one is due as if the Architecture were not ready.
    pub(super) fn end_round(&self, round: &DueRound, started: Instant, has_settled: bool) {
        let mut entries = self.lock_entries();
        // Another entry of the same name belongs to a new Architecture.
        let entry = entries.get_mut(&round.key);
        let Some(entry) = entry.filter(|one| Arc::ptr_eq(&one.history, &round.history)) else {
            return;
        };
        entry.is_running = false;
        // One that became not ready during the round is due at once.
        if entry.mode == round.mode {
            let is_slow = entry.mode.is_ready && has_settled;
            entry.next = started + if is_slow { SLOW } else { FAST };
        }
        self.changed.notify_one();
    }

    /// Returns when a round may be due earlier than at the last look.
    pub(super) async fn await_change(&self) {
        self.changed.notified().await;
    }

    fn lock_entries(&self) -> MutexGuard<'_, HashMap<ArchitectureKey, PollEntry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
