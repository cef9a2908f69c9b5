//! Whether an edge works, as the pods at its beginning see it.

use super::{RunningComponent, RunningPod, component::missing_report, text::one_line};
use crate::{
    api::{EdgeState, EdgeStatus},
    plan::Edge,
};
use k8s_openapi::jiff::Timestamp;
use maquette_contract::{EdgeObservation, Probe, Traffic};

/// Longest message of one edge, in characters.
const MAX_MESSAGE_CHARS: usize = 300;

/// The edge's line in the status: what the worst of the pods reports.
pub(super) fn edge_status(
    edge: &Edge,
    source: Option<&RunningComponent>,
    now: Timestamp,
) -> EdgeStatus {
    let pods = source.map(|source| source.pods.as_slice()).unwrap_or_default();
    let findings = pods.iter().map(|pod| finding_of(pod, edge, now));
    let (state, message) = findings.reduce(worse_finding).unwrap_or_else(|| source_not_ready(edge));
    EdgeStatus { from: edge.from.to_string(), to: edge.to.to_string(), state, message }
}

type EdgeFinding = (EdgeState, Option<String>);

/// The worse of two. An edge that flows for one pod and is reachable for another flows.
fn worse_finding(a: EdgeFinding, b: EdgeFinding) -> EdgeFinding {
    if severity(b.0) > severity(a.0) { b } else { a }
}

fn severity(state: EdgeState) -> u8 {
    match state {
        EdgeState::Failing => 3,
        EdgeState::Unknown => 2,
        EdgeState::Flowing => 1,
        EdgeState::Reachable => 0,
    }
}

fn source_not_ready(edge: &Edge) -> EdgeFinding {
    (EdgeState::Unknown, Some(format!("{} is not ready", edge.from)))
}

fn finding_of(pod: &RunningPod, edge: &Edge, now: Timestamp) -> EdgeFinding {
    if !pod.ready && pod.report.standing_at(now).is_none() {
        return source_not_ready(edge);
    }
    if let Some(message) = missing_report(pod, now) {
        return (EdgeState::Unknown, Some(message));
    }
    let report = pod.report.standing_at(now).and_then(|o| o.edges.iter().find(|e| e.to == edge.to));
    match report {
        None => {
            (EdgeState::Unknown, Some(format!("pod {} does not report the edge yet", pod.name)))
        }
        Some(report) => evaluate_report(pod, report),
    }
}

fn evaluate_report(pod: &RunningPod, report: &EdgeObservation) -> EdgeFinding {
    let name = &pod.name;
    let traffic = &report.traffic;
    match &report.probe {
        Probe::Fails { message } => {
            let message = one_line(&format!("pod {name}: {message}"), MAX_MESSAGE_CHARS);
            (EdgeState::Failing, Some(message))
        }
        _ if traffic.failures > 0 => {
            let window = Traffic::WINDOW_SECONDS;
            let message = format!("pod {name}: requests failed in the last {window} s");
            (EdgeState::Failing, Some(message))
        }
        Probe::Pending => (EdgeState::Unknown, Some(format!("pod {name} has not probed it yet"))),
        // Since the pod started: on an edge with few requests the window is empty most of the time.
        Probe::Works if traffic.has_success() => (EdgeState::Flowing, None),
        Probe::Works => (EdgeState::Reachable, None),
    }
}
