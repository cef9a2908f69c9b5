//! The newest report of every pod.

use super::{super::key::ArchitectureKey, choose::PodToPoll, digest::PodDigest};
use crate::observe::PodReport;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use maquette_contract::Observations;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{PoisonError, RwLock},
    time::{Duration, Instant},
};

/// The reports of pods count as still to come for at most this long after the first poll of an
/// Architecture began.
const MAX_FIRST_POLL: Duration = Duration::from_secs(10);

/// Reports by the pods' UIDs.
pub(in crate::reconcile) type ReportsByPod = BTreeMap<String, PodReport>;

/// The newest report of every pod, by Architecture. Ages are measured by the monotonic clock.
#[derive(Debug, Default)]
pub(in crate::reconcile) struct ReportStore(RwLock<HashMap<ArchitectureKey, ArchitectureReports>>);

/// The reports of one Architecture's pods.
#[derive(Debug, Default)]
struct ArchitectureReports {
    /// By UID.
    pods: HashMap<String, PodRecord>,
    /// When its first round began.
    first_poll: Option<Instant>,
    /// Whether a round has ended in which every pod answered, or [`MAX_FIRST_POLL`] has passed.
    has_settled: bool,
}

/// The newest report of a pod, and the last attempt to read one.
#[derive(Debug, Default)]
struct PodRecord {
    /// The newest report and when it was received.
    latest: Option<(Instant, Observations)>,
    /// Why the last poll failed, if it did.
    failure: Option<String>,
    is_rotating: bool,
    /// What the last queued reconcile showed.
    digest: Option<PodDigest>,
    /// Reports that were requested before do not count.
    valid_since: Option<Instant>,
}

impl PodRecord {
    /// Whether the newest report counts at `now`.
    fn is_standing_at(&self, now: Instant) -> bool {
        let ttl = PodReport { is_rotating: self.is_rotating, ..PodReport::default() }.ttl();
        let received = self.latest.as_ref().map(|(received, _)| *received);
        received.is_some_and(|at| signed(now.saturating_duration_since(at)) <= ttl)
    }

    fn digest_at(&self, now: Instant) -> PodDigest {
        let counts = self.is_standing_at(now);
        let report = self.latest.as_ref().map(|(_, observations)| (counts, observations));
        PodDigest::new(self.failure.as_ref(), report)
    }

    /// The report as it is at `now`, which is `wall` by the wall clock.
    fn to_report(&self, has_settled: bool, now: Instant, wall: Timestamp) -> PodReport {
        let latest = self.latest.as_ref().map(|(received, observations)| {
            let age = signed(now.saturating_duration_since(*received));
            (wall.saturating_sub(age).unwrap_or(wall), observations.clone())
        });
        PodReport {
            is_awaited: !has_settled && latest.is_none() && self.valid_since.is_none(),
            latest,
            failure: self.failure.clone(),
            is_rotating: self.is_rotating,
        }
    }
}

fn signed(age: Duration) -> SignedDuration {
    SignedDuration::try_from(age).unwrap_or(SignedDuration::MAX)
}

/// The answer of one pod.
#[derive(Debug)]
pub(super) struct PodAnswer {
    pub(super) requested_at: Instant,
    pub(super) received_at: Instant,
    pub(super) result: Result<Observations, String>,
}

impl ReportStore {
    /// The reports as they are at `now`, which is `wall` by the wall clock.
    pub(in crate::reconcile) fn reports_of(
        &self,
        key: &ArchitectureKey,
        now: Instant,
        wall: Timestamp,
    ) -> ReportsByPod {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = all.get(key) else { return ReportsByPod::new() };
        let reports = entry
            .pods
            .iter()
            .map(|(uid, record)| (uid.clone(), record.to_report(entry.has_settled, now, wall)));
        reports.collect()
    }

    /// Whether the first round of polls since the start of the operator has ended.
    pub(in crate::reconcile) fn has_settled(&self, key: &ArchitectureKey) -> bool {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.get(key).is_some_and(|entry| entry.has_settled)
    }

    /// Drops a deleted Architecture.
    pub(in crate::reconcile) fn forget(&self, key: &ArchitectureKey) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// Ignores every report of these pods that was requested before now.
    ///
    /// They get a new configuration, and an earlier report does not prove that a pod follows it, not
    /// even one that names the same revision: the pod may have had another revision in between.
    pub(in crate::reconcile) fn invalidate(
        &self,
        key: &ArchitectureKey,
        pods: impl Iterator<Item = String>,
    ) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let entry = all.entry(key.clone()).or_default();
        for uid in pods {
            let record = entry.pods.entry(uid).or_default();
            record.latest = None;
            // The next report counts as a change, even if it is the same.
            record.digest = None;
            record.valid_since = Some(Instant::now());
        }
    }

    /// A round begins: drops pods for which `exists` does not hold.
    pub(super) fn begin_round(
        &self,
        key: &ArchitectureKey,
        exists: impl Fn(&str) -> bool,
        now: Instant,
    ) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let entry = all.entry(key.clone()).or_default();
        entry.pods.retain(|uid, _| exists(uid));
        entry.first_poll.get_or_insert(now);
    }

    /// Records the answer of a pod.
    pub(super) fn record_answer(&self, key: &ArchitectureKey, pod: &PodToPoll, answer: PodAnswer) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // Forgotten during the round: the Architecture is deleted.
        let Some(entry) = all.get_mut(key) else { return };
        let record = entry.pods.entry(pod.uid.clone()).or_default();
        if record.valid_since.is_some_and(|since| since > answer.requested_at) {
            return;
        }
        record.is_rotating = pod.is_rotating;
        match answer.result {
            Ok(observations) => {
                record.latest = Some((answer.received_at, observations));
                record.failure = None;
            }
            Err(failure) => record.failure = Some(failure),
        }
    }

    /// Whether anything has changed since the last call that the status can show.
    pub(super) fn take_changes(&self, key: &ArchitectureKey, now: Instant) -> bool {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = all.get_mut(key) else { return false };
        let mut has_changed = false;
        for record in entry.pods.values_mut() {
            let digest = Some(record.digest_at(now));
            has_changed |= digest != record.digest;
            record.digest = digest;
        }
        has_changed
    }

    /// A round ends. Returns whether reports that are missing count from now on.
    pub(super) fn end_round(
        &self,
        key: &ArchitectureKey,
        all_answered: bool,
        now: Instant,
    ) -> bool {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = all.get_mut(key) else { return false };
        let first = entry.first_poll.unwrap_or(now);
        let settles = all_answered || now.saturating_duration_since(first) >= MAX_FIRST_POLL;
        let had_settled = entry.has_settled;
        entry.has_settled |= settles;
        entry.has_settled && !had_settled
    }
}
