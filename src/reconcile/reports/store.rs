//! The newest report of every pod.

use super::super::key::ArchitectureKey;
use crate::observe::PodReport;
use k8s_openapi::jiff::Timestamp;
use maquette_contract::{MigrationObservation, Observations, Probe, Revision};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{PoisonError, RwLock},
    time::Instant,
};

/// Reports by the pods' UIDs.
pub(in crate::reconcile) type ReportsByPod = BTreeMap<String, PodReport>;

/// The answers of pods in one round, by UID.
pub(super) type PollAnswers = Vec<(String, Result<Observations, String>)>;

/// The newest report of every pod, by Architecture.
#[derive(Debug, Default)]
pub(in crate::reconcile) struct ReportStore(RwLock<HashMap<ArchitectureKey, ArchitectureReports>>);

/// The reports of one Architecture's pods, by UID.
#[derive(Debug, Default)]
struct ArchitectureReports {
    reports: ReportsByPod,
    /// The digests at the end of the last round.
    digests: BTreeMap<String, PodDigest>,
    /// Reports that were requested before do not count.
    valid_since: HashMap<String, Instant>,
}

impl ReportStore {
    pub(in crate::reconcile) fn reports_of(&self, key: &ArchitectureKey) -> ReportsByPod {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.get(key).map(|entry| entry.reports.clone()).unwrap_or_default()
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
            if let Some(report) = entry.reports.get_mut(&uid) {
                report.latest = None;
            }
            // The next report counts as a change, even if it is the same.
            entry.digests.remove(&uid);
            entry.valid_since.insert(uid, Instant::now());
        }
    }

    /// Records the answers of a round that began at `began` and ended at `now`, and drops pods for
    /// which `exists` does not hold. Returns whether anything changed that the status can show.
    pub(super) fn record_round(
        &self,
        key: &ArchitectureKey,
        answers: PollAnswers,
        exists: impl Fn(&str) -> bool,
        began: Instant,
        now: Timestamp,
    ) -> bool {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let ArchitectureReports { reports, digests, valid_since } =
            all.entry(key.clone()).or_default();
        reports.retain(|uid, _| exists(uid));
        valid_since.retain(|uid, _| exists(uid));
        for (uid, answer) in answers {
            if valid_since.get(&uid).is_some_and(|since| *since > began) {
                continue;
            }
            let report = reports.entry(uid).or_default();
            match answer {
                Ok(observations) => {
                    *report = PodReport { latest: Some((now, observations)), failure: None };
                }
                Err(failure) => report.failure = Some(failure),
            }
        }
        // Compared with the digests of the last round and not with digests of the old reports as
        // of now: a report ages, and that is a change too.
        let current = digest_reports(reports, now);
        let has_changed = current != *digests;
        *digests = current;
        has_changed
    }
}

/// The part of a pod's report that a status can show.
#[derive(Debug, PartialEq)]
struct PodDigest {
    /// Why the last poll failed.
    failure: Option<String>,
    /// Of the newest report.
    report: Option<ReportDigest>,
}

impl PodDigest {
    fn new(report: &PodReport, now: Timestamp) -> Self {
        Self { failure: report.failure.clone(), report: ReportDigest::new(report, now) }
    }
}

/// The part of a report that an evolution waits for or a status shows. Of counts it holds whether
/// they are above 0, except for the progress of a migration.
#[derive(Debug, PartialEq)]
struct ReportDigest {
    is_fresh: bool,
    revision: Revision,
    has_older_requests: bool,
    /// Whether there were requests, and failures.
    served: (bool, bool),
    edges: Vec<EdgeDigest>,
    migration_sources: Vec<MigrationObservation>,
    peer: Option<PeerDigest>,
    lost_writes: u64,
}

#[derive(Debug, PartialEq)]
struct EdgeDigest {
    to: String,
    probe: Probe,
    has_requests: bool,
    has_failures: bool,
}

#[derive(Debug, PartialEq)]
struct PeerDigest {
    members: Vec<String>,
    has_under_replicated: bool,
}

impl ReportDigest {
    fn new(report: &PodReport, now: Timestamp) -> Option<Self> {
        let (_, observations) = report.latest.as_ref()?;
        let edges = observations.edges.iter().map(|edge| EdgeDigest {
            to: edge.to.to_string(),
            probe: edge.probe.clone(),
            has_requests: edge.traffic.requests > 0,
            has_failures: edge.traffic.failures > 0,
        });
        let served = observations.served;
        Some(Self {
            is_fresh: report.fresh_at(now).is_some(),
            revision: observations.revision.clone(),
            has_older_requests: observations.older_requests > 0,
            served: (served.requests > 0, served.failures > 0),
            edges: edges.collect(),
            migration_sources: observations.migration_sources.clone(),
            peer: observations.peer.as_ref().map(|peer| PeerDigest {
                members: peer.members.clone(),
                has_under_replicated: peer.under_replicated > 0,
            }),
            lost_writes: observations.load.map_or(0, |load| load.lost_writes),
        })
    }
}

fn digest_reports(reports: &ReportsByPod, now: Timestamp) -> BTreeMap<String, PodDigest> {
    let digests = reports.iter().map(|(uid, report)| (uid.clone(), PodDigest::new(report, now)));
    digests.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use maquette_contract::Traffic;

    fn key() -> ArchitectureKey {
        ArchitectureKey { namespace: "default".to_owned(), name: "shop".to_owned() }
    }

    fn answers(revision: &str) -> PollAnswers {
        let observations = Observations {
            component: "web".parse().unwrap(),
            pod: "shop-web-0".to_owned(),
            revision: Revision::of_bytes(revision.as_bytes()),
            older_requests: 0,
            edges: vec![],
            migration_sources: vec![],
            served: Traffic::default(),
            items: None,
            peer: None,
            load: None,
        };
        vec![("a-pod".to_owned(), Ok(observations))]
    }

    #[test]
    fn a_repeated_failure_is_one_change() {
        let (reports, now) = (ReportStore::default(), Timestamp::UNIX_EPOCH);
        let record = |why: &str| {
            let answers = vec![("a-pod".to_owned(), Err(why.to_owned()))];
            reports.record_round(&key(), answers, |_| true, Instant::now(), now)
        };
        assert!(record("no answer"));
        assert!(!record("no answer"));
        assert!(record("connection refused"));
    }

    #[test]
    fn reports_from_before_an_invalidation_do_not_count() {
        let (reports, key) = (ReportStore::default(), key());
        let now = Timestamp::UNIX_EPOCH;
        let record = |began| reports.record_round(&key, answers("new"), |_| true, began, now);
        let before = Instant::now();
        assert!(record(before));
        assert!(reports.reports_of(&key)["a-pod"].latest.is_some());
        reports.invalidate(&key, ["a-pod".to_owned()].into_iter());
        assert_eq!(reports.reports_of(&key)["a-pod"].latest, None);
        assert!(record(Instant::now()), "the same report again, and it counts now");
        assert!(reports.reports_of(&key)["a-pod"].latest.is_some());
        reports.invalidate(&key, ["a-pod".to_owned()].into_iter());
        record(before);
        assert_eq!(
            reports.reports_of(&key)["a-pod"].latest,
            None,
            "requested before the invalidation"
        );
    }
}
