//! What counts as proof that a component does what it was told.

use crate::{
    observe::{
        Availability, RunningComponent, RunningPod, RunningTopology, component_availability,
    },
    plan::Component,
};
use k8s_openapi::jiff::Timestamp;
use maquette_contract::{ComponentName, Observations, Probe, Revision};

/// What `component` lacks until it works as it was told, in one line; none if nothing. It is available,
/// every pod reports its configuration and no request under an older one, and all its edges work
/// that count: those to components that there are not, of a change that was given up before it had made
/// them, never do.
pub(super) fn unmet(
    component: &Component,
    found: Option<&RunningComponent>,
    counts: impl Fn(&ComponentName) -> bool,
    now: Timestamp,
) -> Option<String> {
    if let Availability::Unavailable(lacks) = component_availability(component, found, false, now) {
        return Some(lacks);
    }
    let found = found?;
    let Some(revision) = &found.revision else { return Some("it has no configuration".to_owned()) };
    found.pods.iter().find_map(|pod| {
        let report = match report_at_revision(pod, revision, now) {
            Ok(report) => report,
            Err(lacks) => return Some(lacks),
        };
        let mut edges = component.edges().into_iter().filter(|edge| counts(&edge.to));
        edges.find_map(|edge| edge_problem(pod, report, &edge.to))
    })
}

/// The report of a pod that has moved to `revision` with all its requests.
pub(super) fn report_at_revision<'a>(
    pod: &'a RunningPod,
    revision: &Revision,
    now: Timestamp,
) -> Result<&'a Observations, String> {
    let name = &pod.name;
    match pod.report.fresh_at(now) {
        None => Err(format!("pod {name} has not reported of late")),
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
        Some(Probe::Pending) | None => Some(format!("pod {name} has not tried {to} yet")),
    }
}

/// What a component on its way out lacks until no request of its pods can go the old way. One that is
/// neither ready nor heard of answers nobody: it has no say.
pub(super) fn unmet_forwarding(found: &RunningComponent, now: Timestamp) -> Option<String> {
    let revision = found.revision.as_ref()?;
    let counts = |pod: &&RunningPod| pod.ready || pod.report.fresh_at(now).is_some();
    found.pods.iter().filter(counts).find_map(|pod| report_at_revision(pod, revision, now).err())
}

/// Components with pods that are on their way out, and how many.
pub(super) fn terminating_pods(
    running: &RunningTopology,
) -> impl Iterator<Item = (&ComponentName, usize)> {
    let ending = running.components().filter(|(_, found)| found.terminating > 0);
    ending.map(|(name, found)| (name, found.terminating))
}
