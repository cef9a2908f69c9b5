//! The part of a pod's report that a status can show: while it is the same, no reconcile is needed.

use crate::observe::{IDLE_SECONDS, VolumeLevel};
use maquette_contract::{
    DamagedItems, LoadObservation, MigrationObservation, Observations, Probe, Revision, Traffic,
};

/// What a status can show of a pod.
#[derive(Debug, PartialEq)]
pub(super) struct PodDigest {
    /// Why the last poll failed.
    failure: Option<String>,
    /// Of the newest report, and whether it counts.
    report: Option<(bool, ReportDigest)>,
}

impl PodDigest {
    /// `report`: the newest report and whether it counts now. A report ages, and that is a change
    /// too.
    pub(super) fn new(failure: Option<&String>, report: Option<(bool, &Observations)>) -> Self {
        let report = report.map(|(counts, report)| (counts, ReportDigest::new(report)));
        Self { failure: failure.cloned(), report }
    }
}

/// The part of a report that an evolution waits for or a status shows. Of counts it holds whether
/// they are above 0, except for the progress of a migration.
#[derive(Debug, PartialEq)]
struct ReportDigest {
    revision: Revision,
    has_older_requests: bool,
    served: TrafficDigest,
    edges: Vec<EdgeDigest>,
    migration_sources: Vec<MigrationObservation>,
    damaged_items: DamagedItems,
    volume: Option<VolumeLevel>,
    peer: Option<PeerDigest>,
    load: Option<LoadDigest>,
}

#[derive(Debug, PartialEq)]
struct TrafficDigest {
    has_recent: bool,
    has_success: bool,
    has_failures: bool,
}

impl TrafficDigest {
    /// A success counts as recent for `seconds`.
    fn new(traffic: &Traffic, seconds: u64) -> Self {
        Self {
            has_recent: traffic.has_success_within(seconds),
            has_success: traffic.has_success(),
            has_failures: traffic.failures > 0,
        }
    }
}

#[derive(Debug, PartialEq)]
struct EdgeDigest {
    to: String,
    probe: Probe,
    has_success: bool,
    has_failures: bool,
}

#[derive(Debug, PartialEq)]
struct PeerDigest {
    members: Vec<String>,
    has_under_replicated: bool,
}

#[derive(Debug, PartialEq)]
struct LoadDigest {
    lost_writes: u64,
    has_wrong_answers: bool,
    is_behind: bool,
    /// Whether it waits for its first answer for longer than a window.
    waits_too_long: Option<bool>,
    /// Whether requests ended in the last window.
    has_requests: bool,
}

impl LoadDigest {
    fn new(load: LoadObservation, observations: &Observations) -> Self {
        Self {
            lost_writes: load.lost_writes,
            has_wrong_answers: load.wrong_answers > 0,
            is_behind: load.generator_behind,
            waits_too_long: load.waiting_seconds.map(|waits| waits > Traffic::WINDOW_SECONDS),
            has_requests: observations.edges.iter().any(|edge| edge.traffic.requests > 0),
        }
    }
}

impl ReportDigest {
    fn new(observations: &Observations) -> Self {
        let edges = observations.edges.iter().map(|edge| EdgeDigest {
            to: edge.to.to_string(),
            probe: edge.probe.clone(),
            has_success: edge.traffic.has_success(),
            has_failures: edge.traffic.failures > 0,
        });
        Self {
            revision: observations.revision.clone(),
            has_older_requests: observations.older_requests > 0,
            served: TrafficDigest::new(&observations.served, IDLE_SECONDS),
            edges: edges.collect(),
            migration_sources: observations.migration_sources.clone(),
            damaged_items: observations.damaged_items.clone(),
            volume: observations.volume.map(VolumeLevel::of),
            peer: observations.peer.as_ref().map(|peer| PeerDigest {
                members: peer.members.clone(),
                has_under_replicated: peer.under_replicated > 0,
            }),
            load: observations.load.map(|load| LoadDigest::new(load, observations)),
        }
    }
}
