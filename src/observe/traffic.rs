//! What users lived through of late: the requests of the load, and those that the entry answered.

use super::{RunningComponent, RunningTopology, sampled_pods};
use crate::plan::Component;
use k8s_openapi::jiff::Timestamp;
use maquette_contract::{ComponentName, Role, Traffic};

/// Requests of the last [`Traffic::WINDOW_SECONDS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct UserTraffic {
    /// Requests that ended, as whoever saw more of them counts.
    pub(super) requests: u64,
    /// Those that failed.
    pub(super) failures: u64,
    /// Acknowledged writes that a later read did not find, since the load's pod started.
    pub(super) lost_writes: u64,
    /// Whether a load should run and has not reported of late.
    pub(super) load_report_missing: bool,
    /// Whether a load should run.
    pub(super) has_load: bool,
}

/// What users lived through.
pub(super) fn user_traffic(
    components: &[Component],
    entry: &ComponentName,
    running: &RunningTopology,
    now: Timestamp,
) -> UserTraffic {
    let mut users = UserTraffic::default();
    for component in components {
        let Some(found) = running.component(&component.name) else {
            users.has_load |= component.role() == Role::Load;
            users.load_report_missing |= component.role() == Role::Load;
            continue;
        };
        if component.role() == Role::Load {
            add_load_traffic(&mut users, found, now);
        }
    }
    let served = running.component(entry).map(|found| entry_traffic(components, entry, found, now));
    let served = served.unwrap_or_default();
    users.requests = users.requests.max(served.requests);
    users.failures = users.failures.max(served.failures);
    users
}

fn add_load_traffic(users: &mut UserTraffic, found: &RunningComponent, now: Timestamp) {
    users.has_load = true;
    let reports: Vec<_> = found.pods.iter().filter_map(|pod| pod.report.fresh_at(now)).collect();
    users.load_report_missing |= reports.is_empty();
    for report in reports {
        for edge in &report.edges {
            users.requests += edge.traffic.requests;
            users.failures += edge.traffic.failures;
        }
        users.lost_writes += report.load.map_or(0, |load| load.lost_writes);
    }
}

fn entry_traffic(
    components: &[Component],
    entry: &ComponentName,
    found: &RunningComponent,
    now: Timestamp,
) -> Traffic {
    let role = components
        .iter()
        .find(|component| component.name == *entry)
        .map_or(Role::Service, Component::role);
    let reports = sampled_pods(role, &found.pods).iter().filter_map(|pod| pod.report.fresh_at(now));
    reports.fold(Traffic::default(), |sum, report| Traffic {
        requests: sum.requests + report.served.requests,
        failures: sum.failures + report.served.failures,
        ..sum
    })
}
