//! What is read on demand, because something waits for a reason that no cached object has: Events,
//! StorageClasses, HorizontalPodAutoscalers, and the objects of others whose names may be needed.
//!
//! Nothing is read in a steady state. What was read is kept for a while, so that an Architecture
//! that waits costs a few requests a minute. A read that fails is no error: the status then lacks
//! the reason, and the replicas that an autoscaler may set stay as they are. Events and StorageClasses
//! are read beside the reconciles, which show what is known.

mod autoscalers;
mod events;
mod foreign;
mod reader;
mod reservations;
mod storage_classes;
#[cfg(test)]
mod tests;

pub(in crate::reconcile) use autoscalers::{AutoscalerAnswer, AutoscalerReadings};
pub(in crate::reconcile) use foreign::ForeignObjects;
pub(in crate::reconcile) use reader::{CauseAnswers, CauseReader, CauseRequest, CausesToRead};
pub(in crate::reconcile) use reservations::NameReservations;

use crate::observe::{
    Causes, Snapshot, StorageClassNames, WaitingObject, Warning, storage_classes_due,
    waiting_objects,
};
use k8s_openapi::{api::core::v1::Pod, jiff::Timestamp};
use kube::Client;
use std::{
    collections::{BTreeSet, HashMap},
    time::{Duration, Instant},
};

/// How long what was read counts. It doubles each time that the answer is the same.
const KEPT_FOR: Duration = Duration::from_secs(30);
const MAX_KEPT_FOR: Duration = Duration::from_secs(240);
/// How long a StatefulSet may lack pods before its Events are read: creation takes a moment.
const SET_GRACE: Duration = Duration::from_secs(3);
/// Objects whose Events are read at once for one Architecture.
const MAX_READS: usize = 8;
/// A read that takes longer is given up.
const READ_TIMEOUT: Duration = Duration::from_secs(3);

/// What was read, and when.
#[derive(Clone, Debug)]
struct Reading<T> {
    value: T,
    at: Instant,
    kept_for: Duration,
}

impl<T: PartialEq> Reading<T> {
    /// A reading after `before`.
    fn after(before: Option<&Self>, value: T) -> Self {
        let same = before.filter(|before| before.value == value);
        let kept_for = same.map_or(KEPT_FOR, |same| (same.kept_for * 2).min(MAX_KEPT_FOR));
        Self { value, at: Instant::now(), kept_for }
    }

    fn is_fresh(&self) -> bool {
        self.at.elapsed() < self.kept_for
    }
}

/// What was read on demand for one Architecture: Events and StorageClasses.
#[derive(Debug, Default)]
pub(in crate::reconcile) struct CauseReadings {
    /// By UID: when the object was first seen waiting.
    first_seen: HashMap<String, Instant>,
    /// By UID.
    warnings: HashMap<String, Reading<Option<Warning>>>,
    storage_classes: Option<Reading<Option<StorageClassNames>>>,
    /// A read was requested and has not ended.
    is_reading: bool,
}

/// Where to read.
#[derive(Clone)]
pub(in crate::reconcile) struct CauseSource {
    pub(in crate::reconcile) client: Client,
    pub(in crate::reconcile) namespace: String,
}

/// What is known of the causes now.
#[derive(Debug)]
pub(in crate::reconcile) struct KnownCauses {
    pub(in crate::reconcile) causes: Causes,
    /// When to look again, if something waits.
    pub(in crate::reconcile) next_look: Option<Duration>,
    /// What is to be read by [`CauseReader`].
    pub(in crate::reconcile) to_read: Option<CausesToRead>,
}

impl CauseReadings {
    /// What is known of what `snapshot` lacks at `now`.
    pub(in crate::reconcile) fn look(
        &mut self,
        snapshot: &Snapshot,
        now: Timestamp,
    ) -> KnownCauses {
        let waiting = waiting_objects(snapshot);
        let uids: BTreeSet<_> = waiting.iter().map(|object| object.uid.as_str()).collect();
        self.first_seen.retain(|uid, _| uids.contains(uid.as_str()));
        self.warnings.retain(|uid, _| uids.contains(uid.as_str()));
        let due: Vec<_> = waiting.iter().filter(|object| self.is_due(object, now)).collect();
        let outdated = due
            .iter()
            .filter(|object| !self.warnings.get(&object.uid).is_some_and(Reading::is_fresh));
        let to_read = CausesToRead {
            uids: outdated.take(MAX_READS).map(|object| object.uid.clone()).collect(),
            storage_classes: self.needs_storage_classes(snapshot, now),
        };
        let must_read = !self.is_reading && !to_read.is_empty();
        self.is_reading |= must_read;
        let warnings =
            self.warnings.iter().map(|(uid, reading)| (uid.clone(), reading.value.clone()));
        let storage_classes =
            self.storage_classes.as_ref().and_then(|reading| reading.value.clone());
        KnownCauses {
            causes: Causes { warnings: warnings.collect(), storage_classes },
            next_look: self.next_look(snapshot, waiting.len() - due.len()),
            to_read: must_read.then_some(to_read),
        }
    }

    /// Records the answers. Returns whether they differ from what was known.
    pub(in crate::reconcile) fn record(&mut self, answers: CauseAnswers) -> bool {
        self.is_reading = false;
        let mut has_changed = false;
        for (uid, warning) in answers.warnings {
            let before = self.warnings.get(&uid);
            has_changed |= before.is_none_or(|before| before.value != warning);
            let reading = Reading::after(before, warning);
            self.warnings.insert(uid, reading);
        }
        if let Some(names) = answers.storage_classes {
            let before = self.storage_classes.as_ref();
            has_changed |= before.is_none_or(|before| before.value != names);
            self.storage_classes = Some(Reading::after(before, names));
        }
        has_changed
    }

    fn is_due(&mut self, object: &WaitingObject, now: Timestamp) -> bool {
        let first_seen =
            self.first_seen.entry(object.uid.clone()).or_insert_with(Instant::now).elapsed();
        object.due.map_or(first_seen >= SET_GRACE, |due| now >= due)
    }

    /// Whether the StorageClasses are to be read. Drops them when no claim waits.
    fn needs_storage_classes(&mut self, snapshot: &Snapshot, now: Timestamp) -> bool {
        if storage_classes_due(snapshot).is_none_or(|due| now < due) {
            self.storage_classes = None;
            return false;
        }
        !self.storage_classes.as_ref().is_some_and(Reading::is_fresh)
    }

    /// When to look again: what is read by then is old, or a grace period has ended.
    fn next_look(&self, snapshot: &Snapshot, not_due: usize) -> Option<Duration> {
        if not_due > 0
            || (storage_classes_due(snapshot).is_some() && self.storage_classes.is_none())
        {
            return Some(SET_GRACE);
        }
        let mut pods = snapshot.pods.iter();
        let waits = !self.first_seen.is_empty()
            || pods.any(|pod| pod.metadata.deletion_timestamp.is_some() || is_pending(pod));
        waits.then_some(KEPT_FOR)
    }
}

fn is_pending(pod: &Pod) -> bool {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Pending")
}

/// The result of a read; none if it failed or took too long.
async fn try_read<T>(what: &str, read: impl Future<Output = Result<T, kube::Error>>) -> Option<T> {
    match tokio::time::timeout(READ_TIMEOUT, read).await {
        Ok(Ok(value)) => Some(value),
        Ok(Err(error)) => {
            tracing::debug!(what, %error, "a cause was not read");
            None
        }
        Err(_) => {
            tracing::debug!(what, "a cause was not read within {} s", READ_TIMEOUT.as_secs());
            None
        }
    }
}
