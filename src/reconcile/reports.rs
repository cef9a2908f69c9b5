//! The newest report of every pod.

use super::key::ArchitectureKey;
use crate::observe::PodReport;
use k8s_openapi::jiff::Timestamp;
use maquette_contract::{MigrationObservation, Observations, PeerObservation, Probe, Revision};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{PoisonError, RwLock},
    time::Instant,
};

/// Reports by the pods' UIDs.
pub(super) type ReportsByPod = BTreeMap<String, PodReport>;

/// The newest report of every pod, by Architecture.
#[derive(Debug, Default)]
pub(super) struct Reports(RwLock<HashMap<ArchitectureKey, ArchitectureReports>>);

/// Reports, and what of them was new when they were last taken.
#[derive(Debug, Default)]
struct ArchitectureReports {
    reports: ReportsByPod,
    digests: BTreeMap<String, LastDigest>,
    /// Since when reports count, by pod.
    valid_since: HashMap<String, Instant>,
}

impl Reports {
    /// The reports of one Architecture's pods.
    pub(super) fn reports_of(&self, key: &ArchitectureKey) -> ReportsByPod {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.get(key).map(|known| known.reports.clone()).unwrap_or_default()
    }

    /// Forgets an Architecture.
    pub(super) fn forget(&self, key: &ArchitectureKey) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// Lets no report count that was asked for before now: these pods were told something, and what
    /// they said before is no proof that they do it, even if it says so. They may have been told the
    /// same before, and something else between.
    pub(super) fn invalidate(&self, key: &ArchitectureKey, pods: impl Iterator<Item = String>) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let ArchitectureReports { reports, digests: told, valid_since: since } =
            all.entry(key.clone()).or_default();
        for uid in pods {
            if let Some(report) = reports.get_mut(&uid) {
                report.latest = None;
            }
            // The next report is news, even if it says the same.
            told.remove(&uid);
            since.insert(uid, Instant::now());
        }
    }

    /// Takes what pods of an Architecture said at `now`, when they were asked at `asked`, and
    /// forgets pods for which `alive` does not hold. Tells whether anything changed that a status
    /// could tell.
    pub(super) fn record_round(
        &self,
        key: &ArchitectureKey,
        said: Vec<(String, Result<Observations, String>)>,
        alive: impl Fn(&str) -> bool,
        asked: Instant,
        now: Timestamp,
    ) -> bool {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let ArchitectureReports { reports, digests: told, valid_since: since } =
            all.entry(key.clone()).or_default();
        reports.retain(|uid, _| alive(uid));
        since.retain(|uid, _| alive(uid));
        let counts = |uid: &str| since.get(uid).is_none_or(|since| *since <= asked);
        for (uid, said) in said.into_iter().filter(|(uid, _)| counts(uid)) {
            let report = reports.entry(uid).or_default();
            match said {
                Ok(observations) => {
                    *report = PodReport { latest: Some((now, observations)), failure: None };
                }
                Err(failure) => report.failure = Some(failure),
            }
        }
        // Not what they would have told now, but what they told then: a report ages.
        let tell = digest_reports(reports, now);
        let changed = tell != *told;
        *told = tell;
        changed
    }
}

/// What a status could tell of a pod.
#[derive(Debug, PartialEq)]
struct LastDigest {
    /// Why it did not report when it was asked last.
    failure: Option<String>,
    /// What it said last.
    report: Option<ReportDigest>,
}

/// What of a report a change waits for or a status shows: of counts only how far a copy is.
#[derive(Debug, PartialEq)]
struct ReportDigest {
    fresh: bool,
    revision: Revision,
    older_requests: bool,
    served: (bool, bool),
    edges: Vec<(String, Probe, bool, bool)>,
    origins: Vec<MigrationObservation>,
    peer: Option<(Vec<String>, bool)>,
    lost_writes: u64,
}

fn digest_reports(reports: &ReportsByPod, now: Timestamp) -> BTreeMap<String, LastDigest> {
    let of = |report: &PodReport| {
        let (_, said) = report.latest.as_ref()?;
        let peer = |peer: &PeerObservation| (peer.members.clone(), peer.under_replicated > 0);
        Some(ReportDigest {
            fresh: report.fresh_at(now).is_some(),
            revision: said.revision.clone(),
            older_requests: said.older_requests > 0,
            served: (said.served.requests > 0, said.served.failures > 0),
            edges: said
                .edges
                .iter()
                .map(|edge| {
                    let traffic = edge.traffic;
                    let to = edge.to.to_string();
                    (to, edge.probe.clone(), traffic.requests > 0, traffic.failures > 0)
                })
                .collect(),
            origins: said.migration_sources.clone(),
            peer: said.peer.as_ref().map(peer),
            lost_writes: said.load.map_or(0, |load| load.lost_writes),
        })
    };
    let told =
        |report: &PodReport| LastDigest { failure: report.failure.clone(), report: of(report) };
    reports.iter().map(|(uid, report)| (uid.clone(), told(report))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use maquette_contract::Traffic;

    fn key() -> ArchitectureKey {
        ArchitectureKey { namespace: "default".to_owned(), name: "shop".to_owned() }
    }

    fn said(revision: &str) -> Vec<(String, Result<Observations, String>)> {
        let said = Observations {
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
        vec![("a-pod".to_owned(), Ok(said))]
    }

    #[test]
    fn that_a_pod_never_answers_is_news_once() {
        let (reports, now) = (Reports::default(), Timestamp::UNIX_EPOCH);
        let take = |why: &str| {
            let said = vec![("a-pod".to_owned(), Err(why.to_owned()))];
            reports.record_round(&key(), said, |_| true, Instant::now(), now)
        };
        assert!(take("no answer"));
        assert!(!take("no answer"));
        assert!(take("connection refused"));
    }

    #[test]
    fn what_a_pod_said_before_it_was_told_something_is_no_proof() {
        let (reports, key) = (Reports::default(), key());
        let now = Timestamp::UNIX_EPOCH;
        let take = |asked| reports.record_round(&key, said("new"), |_| true, asked, now);
        let before = Instant::now();
        assert!(take(before));
        assert!(reports.reports_of(&key)["a-pod"].latest.is_some());
        reports.invalidate(&key, ["a-pod".to_owned()].into_iter());
        assert_eq!(reports.reports_of(&key)["a-pod"].latest, None);
        assert!(take(Instant::now()), "the same said again, and it counts now");
        assert!(reports.reports_of(&key)["a-pod"].latest.is_some());
        reports.invalidate(&key, ["a-pod".to_owned()].into_iter());
        take(before);
        assert_eq!(reports.reports_of(&key)["a-pod"].latest, None, "asked before it was told");
    }
}
