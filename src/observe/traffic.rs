//! What users experienced in the last [`Traffic::WINDOW_SECONDS`]: the requests of the load, and
//! those that the entry answered.

use super::{RunningComponent, RunningTopology, sampled_pods};
use crate::plan::Component;
use k8s_openapi::jiff::Timestamp;
use maquette_contract::{ComponentName, Role, Traffic};

/// Requests of the last [`Traffic::WINDOW_SECONDS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct UserTraffic {
    /// Requests that ended: the larger of what the load and what the entry counted.
    pub(super) requests: u64,
    /// Requests that failed, counted in the same way.
    pub(super) failures: u64,
    /// Acknowledged writes that a later read did not find, since the load's pod started.
    pub(super) lost_writes: u64,
    /// Whether a load should run and has no fresh report.
    pub(super) load_report_missing: bool,
    /// Whether a load should run.
    pub(super) has_load: bool,
}

impl UserTraffic {
    fn add_load(&mut self, load: Option<&RunningComponent>, now: Timestamp) {
        self.has_load = true;
        let pods = load.map(|load| load.pods.as_slice()).unwrap_or_default();
        let reports: Vec<_> = pods.iter().filter_map(|pod| pod.report.fresh_at(now)).collect();
        self.load_report_missing |= reports.is_empty();
        for report in reports {
            for edge in &report.edges {
                self.requests += edge.traffic.requests;
                self.failures += edge.traffic.failures;
            }
            self.lost_writes += report.load.map_or(0, |load| load.lost_writes);
        }
    }
}

/// The traffic of the loads among `components` and of `entry`.
pub(super) fn user_traffic(
    components: &[Component],
    entry: &ComponentName,
    running: &RunningTopology,
    now: Timestamp,
) -> UserTraffic {
    let mut traffic = UserTraffic::default();
    for load in components.iter().filter(|component| component.role() == Role::Load) {
        traffic.add_load(running.component(&load.name), now);
    }
    if let Some(running) = running.component(entry) {
        let planned = components.iter().find(|component| component.name == *entry);
        let served = served_by(planned.map_or(Role::Service, Component::role), running, now);
        // The load and the entry see the same requests.
        traffic.requests = traffic.requests.max(served.requests);
        traffic.failures = traffic.failures.max(served.failures);
    }
    traffic
}

/// What the sampled pods of a component of this role served.
fn served_by(role: Role, running: &RunningComponent, now: Timestamp) -> Traffic {
    let pods = sampled_pods(role, &running.pods).iter();
    let reports = pods.filter_map(|pod| pod.report.fresh_at(now));
    reports.fold(Traffic::default(), |sum, report| Traffic {
        requests: sum.requests + report.served.requests,
        failures: sum.failures + report.served.failures,
        ..sum
    })
}
