//! What counts as proof that a component works under its configuration.

use super::wait::Wait;
use crate::{
    observe::{
        Availability, REPORT_TTL, RunningComponent, RunningPod, RunningTopology, TerminatingPod,
        component_availability, missing_report_reason,
    },
    plan::Component,
};
use k8s_openapi::jiff::Timestamp;
use maquette_contract::{ComponentName, Observations, Probe, Revision};

/// The first requirement that `component` does not meet, in one line; none if it is verified: it is
/// available, every pod reports its revision and no request under an older one, and probes succeed
/// on all edges to components for which `counts` is true.
pub(super) fn unmet(
    component: &Component,
    found: Option<&RunningComponent>,
    counts: impl Fn(&ComponentName) -> bool,
    now: Timestamp,
) -> Option<String> {
    if let Availability::Unavailable(shortfall) =
        component_availability(component, found, false, now)
    {
        return Some(shortfall.message);
    }
    let running = found?;
    let Some(revision) = &running.revision else {
        return Some("it has no configuration".to_owned());
    };
    running.pods.iter().find_map(|pod| {
        let report = match report_at_revision(pod, revision, now) {
            Ok(report) => report,
            Err(reason) => return Some(reason),
        };
        let mut edges = component.edges().into_iter().filter(|edge| counts(&edge.to));
        edges.find_map(|edge| edge_problem(pod, report, &edge.to))
    })
}

/// The fresh report of a pod that answers all its requests under `revision`.
pub(super) fn report_at_revision<'a>(
    pod: &'a RunningPod,
    revision: &Revision,
    now: Timestamp,
) -> Result<&'a Observations, String> {
    let name = &pod.name;
    match pod.report.fresh_at(now) {
        None => Err(missing_report_reason(pod, REPORT_TTL)),
        Some(report) if report.revision != *revision => {
            Err(format!("pod {name} still runs an older configuration"))
        }
        Some(report) if report.older_requests > 0 => {
            let older = report.older_requests;
            Err(format!("pod {name} still answers {older} requests under an older configuration"))
        }
        Some(report) => Ok(report),
    }
}

fn edge_problem(pod: &RunningPod, report: &Observations, to: &ComponentName) -> Option<String> {
    let name = &pod.name;
    let edge = report.edges.iter().find(|edge| edge.to == *to);
    match edge.map(|edge| &edge.probe) {
        Some(Probe::Works) => None,
        Some(Probe::Fails { message }) => Some(format!("pod {name} -> {to}: {message}")),
        Some(Probe::Pending) | None => Some(format!("pod {name} has not probed {to} yet")),
    }
}

/// The first pod of an obsolete component that may still send a request over an old route.
pub(super) fn unmet_forwarding(running: &RunningComponent, now: Timestamp) -> Option<String> {
    let revision = running.revision.as_ref()?;
    // A pod that is neither ready nor has a fresh report answers no request.
    let mut serving =
        running.pods.iter().filter(|pod| pod.ready || pod.report.fresh_at(now).is_some());
    serving.find_map(|pod| report_at_revision(pod, revision, now).err())
}

/// Waits for the terminating pods of components for which `concerns` is true. A pod that should
/// have ended counts only if `must_end` is true for it: its machine may be dead.
pub(super) fn terminated_waits(
    running: &RunningTopology,
    now: Timestamp,
    concerns: impl Fn(&ComponentName) -> bool,
    must_end: impl Fn(&RunningComponent, &TerminatingPod) -> bool,
) -> Vec<Wait> {
    let concerned = running.components().filter(|(name, _)| concerns(name));
    let waits = concerned.filter_map(|(name, found)| {
        let pods: Vec<_> = found
            .terminating
            .iter()
            .filter(|pod| !pod.is_overdue(now) || must_end(found, pod))
            .collect();
        let overdue = pods.iter().find(|pod| pod.is_overdue(now));
        (!pods.is_empty()).then(|| Wait::Terminated {
            component: name.clone(),
            pods: pods.len(),
            overdue: overdue.map(|pod| pod.overdue_message()),
        })
    });
    waits.collect()
}
