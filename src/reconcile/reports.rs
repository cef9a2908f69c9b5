//! The newest report of every pod.

use super::key::ArchitectureKey;
use crate::observe::Report;
use k8s_openapi::jiff::Timestamp;
use maquette_contract::{Observations, PeerObservation, Probe, Revision};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{PoisonError, RwLock},
};

/// Reports by the pods' UIDs.
pub(super) type ByPod = BTreeMap<String, Report>;

/// The newest report of every pod, by Architecture.
#[derive(Debug, Default)]
pub(super) struct Reports(RwLock<HashMap<ArchitectureKey, Known>>);

/// Reports, and what of them was new when they were last taken.
#[derive(Debug, Default)]
struct Known {
    reports: ByPod,
    told: BTreeMap<String, Option<Essence>>,
}

impl Reports {
    /// The reports of one Architecture's pods.
    pub(super) fn of(&self, key: &ArchitectureKey) -> ByPod {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.get(key).map(|known| known.reports.clone()).unwrap_or_default()
    }

    /// Forgets an Architecture.
    pub(super) fn forget(&self, key: &ArchitectureKey) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// Takes what pods of an Architecture said at `now`, and forgets pods for which `alive` does
    /// not hold. Tells whether anything changed that a status could tell.
    pub(super) fn take(
        &self,
        key: &ArchitectureKey,
        said: Vec<(String, Result<Observations, String>)>,
        alive: impl Fn(&str) -> bool,
        now: Timestamp,
    ) -> bool {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let Known { reports, told } = all.entry(key.clone()).or_default();
        reports.retain(|uid, _| alive(uid));
        for (uid, said) in said {
            let report = reports.entry(uid).or_default();
            match said {
                Ok(observations) => {
                    *report = Report { latest: Some((now, observations)), failure: None };
                }
                Err(failure) => report.failure = Some(failure),
            }
        }
        // Not what they would have told now, but what they told then: a report ages.
        let tell = essence(reports, now);
        let changed = tell != *told;
        *told = tell;
        changed
    }
}

/// What of a report shows in a status; counts and times are not among it.
#[derive(Debug, PartialEq)]
struct Essence {
    fresh: bool,
    failure: Option<String>,
    revision: Revision,
    older_requests: bool,
    served: (bool, bool),
    edges: Vec<(String, Probe, bool, bool)>,
    peer: Option<(Vec<String>, bool)>,
    lost_writes: u64,
}

fn essence(reports: &ByPod, now: Timestamp) -> BTreeMap<String, Option<Essence>> {
    let of = |report: &Report| {
        let (_, said) = report.latest.as_ref()?;
        let peer = |peer: &PeerObservation| (peer.members.clone(), peer.not_whole > 0);
        Some(Essence {
            fresh: report.fresh(now).is_some(),
            failure: report.failure.clone(),
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
            peer: said.peer.as_ref().map(peer),
            lost_writes: said.load.map_or(0, |load| load.lost_writes),
        })
    };
    reports.iter().map(|(uid, report)| (uid.clone(), of(report))).collect()
}
