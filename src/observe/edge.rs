//! Whether an edge works, as the pods at its beginning see it.

use super::{
    RunningComponent, RunningPod, component::missing_report, sampled_pods, text::one_line,
};
use crate::{
    api::{EdgeState, EdgeStatus},
    plan::Edge,
};
use k8s_openapi::jiff::Timestamp;
use maquette_contract::{EdgeObservation, Probe, Role, Traffic};

/// The edge's line in the status.
pub(super) fn edge_status(
    edge: &Edge,
    role: Role,
    source: Option<&RunningComponent>,
    now: Timestamp,
) -> EdgeStatus {
    let pods = source.map(|source| sampled_pods(role, &source.pods)).unwrap_or_default();
    let seen = pods.iter().map(|pod| finding_of(pod, edge, now));
    let (state, message) = seen.reduce(worse_finding).unwrap_or_else(|| source_not_ready(edge));
    EdgeStatus { from: edge.from.to_string(), to: edge.to.to_string(), state, message }
}

type EdgeFinding = (EdgeState, Option<String>);

/// The worse of two; an edge that flows for one pod and is reachable for another flows.
fn worse_finding(a: EdgeFinding, b: EdgeFinding) -> EdgeFinding {
    let rank = |state: EdgeState| match state {
        EdgeState::Failing => 3,
        EdgeState::Unknown => 2,
        EdgeState::Flowing => 1,
        EdgeState::Reachable => 0,
    };
    if rank(b.0) > rank(a.0) { b } else { a }
}

fn source_not_ready(edge: &Edge) -> EdgeFinding {
    (EdgeState::Unknown, Some(format!("{} is not ready", edge.from)))
}

fn finding_of(pod: &RunningPod, edge: &Edge, now: Timestamp) -> EdgeFinding {
    if !pod.ready && pod.report.fresh_at(now).is_none() {
        return source_not_ready(edge);
    }
    if let Some(silence) = missing_report(pod, now) {
        return (EdgeState::Unknown, Some(silence));
    }
    let report = pod.report.fresh_at(now).and_then(|o| o.edges.iter().find(|e| e.to == edge.to));
    match report {
        None => (EdgeState::Unknown, Some(format!("pod {} does not know the edge yet", pod.name))),
        Some(report) => evaluate_report(pod, report),
    }
}

fn evaluate_report(pod: &RunningPod, report: &EdgeObservation) -> EdgeFinding {
    let name = &pod.name;
    let Traffic { requests, failures, .. } = report.traffic;
    match &report.probe {
        Probe::Fails { message } => {
            (EdgeState::Failing, Some(one_line(&format!("pod {name}: {message}"), 300)))
        }
        _ if failures > 0 => {
            (EdgeState::Failing, Some(format!("pod {name}: requests failed of late")))
        }
        Probe::Pending => (EdgeState::Unknown, Some(format!("pod {name} has not tried it yet"))),
        Probe::Works if requests > 0 => (EdgeState::Flowing, None),
        Probe::Works => (EdgeState::Reachable, None),
    }
}
