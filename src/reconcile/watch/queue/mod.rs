//! The Architectures that wait for a reconcile, each once: those with a changed specification take
//! turns with the others.
//!
//! The runner of `kube` takes waiting objects in no order, so that the events of Architectures that
//! are built keep new ones waiting; and each event within its debounce time puts a reconcile off.

mod schedule;
#[cfg(test)]
mod tests;

pub(in crate::reconcile) use schedule::{NextTurn, Urgency};

use self::schedule::{NextStart, Schedule};
use super::super::{key::ArchitectureKey, metrics::Metrics};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

/// A queue in which nothing starts for longer is stuck.
const MAX_STANDSTILL: Duration = Duration::from_secs(300);

/// The Architectures of a scope that wait for a reconcile.
pub(in crate::reconcile) struct Queue {
    schedule: Mutex<Schedule>,
    /// Something may be due earlier than before. One reader waits for it.
    changed: Notify,
    metrics: Arc<Metrics>,
}

impl Queue {
    pub(in crate::reconcile) fn new(metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self { schedule: Mutex::default(), changed: Notify::new(), metrics })
    }

    /// Requests a reconcile because of an event, unless one is waiting already.
    pub(in crate::reconcile) fn push(&self, key: ArchitectureKey) {
        self.push_urgent(key, Urgency::Event);
    }

    /// Requests a reconcile, unless one of this urgency is waiting already.
    pub(in crate::reconcile) fn push_urgent(&self, key: ArchitectureKey, urgency: Urgency) {
        if self.schedule().request(key, urgency, Instant::now()) {
            self.metrics.record_queue_add();
        }
        self.changed.notify_one();
    }

    /// Waits for the next Architecture whose reconcile is due. [`Self::end`] must follow: until
    /// then no other reconcile of it starts.
    pub(in crate::reconcile) async fn start_next(&self) -> Arc<ArchitectureKey> {
        loop {
            let next = self.schedule().start_next(Instant::now());
            match next {
                NextStart::Now { key, was_requested } => {
                    if was_requested {
                        self.metrics.record_queue_removal();
                    }
                    return key;
                }
                NextStart::At(Some(due)) => tokio::select! {
                    () = sleep_until(due) => {}
                    () = self.changed.notified() => {}
                },
                NextStart::At(None) => self.changed.notified().await,
            }
        }
    }

    /// The reconcile has ended; `next` is when another one follows at the latest.
    pub(in crate::reconcile) fn end(&self, key: &ArchitectureKey, next: NextTurn) {
        self.schedule().end(key, next, Instant::now());
        self.changed.notify_one();
    }

    /// Whether Architectures wait and no reconcile has started for [`MAX_STANDSTILL`].
    pub(in crate::reconcile) fn is_stuck(&self) -> bool {
        self.schedule().is_stuck(MAX_STANDSTILL, Instant::now())
    }

    fn schedule(&self) -> MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
