//! Whether an edge works, as the pods at its beginning see it.

use super::{RunningComponent, RunningPod, asked, component::silence, words::line};
use crate::{
    api::{EdgeState, EdgeStatus},
    plan::Edge,
};
use k8s_openapi::jiff::Timestamp;
use maquette_contract::{EdgeObservation, Probe, Role, Traffic};

/// The edge's line in the status.
pub(super) fn status(
    edge: &Edge,
    role: Role,
    source: Option<&RunningComponent>,
    now: Timestamp,
) -> EdgeStatus {
    let pods = source.map(|source| asked(role, &source.pods)).unwrap_or_default();
    let seen = pods.iter().map(|pod| seen_by(pod, edge, now));
    let (state, message) = seen.reduce(worse).unwrap_or_else(|| not_ready(edge));
    EdgeStatus { from: edge.from.to_string(), to: edge.to.to_string(), state, message }
}

type Seen = (EdgeState, Option<String>);

/// The worse of two; an edge that flows for one pod and is reachable for another flows.
fn worse(a: Seen, b: Seen) -> Seen {
    let rank = |state: EdgeState| match state {
        EdgeState::Failing => 3,
        EdgeState::Unknown => 2,
        EdgeState::Flowing => 1,
        EdgeState::Reachable => 0,
    };
    if rank(b.0) > rank(a.0) { b } else { a }
}

fn not_ready(edge: &Edge) -> Seen {
    (EdgeState::Unknown, Some(format!("{} is not ready", edge.from)))
}

fn seen_by(pod: &RunningPod, edge: &Edge, now: Timestamp) -> Seen {
    if !pod.ready && pod.report.fresh(now).is_none() {
        return not_ready(edge);
    }
    if let Some(silence) = silence(pod, now) {
        return (EdgeState::Unknown, Some(silence));
    }
    let report = pod.report.fresh(now).and_then(|o| o.edges.iter().find(|e| e.to == edge.to));
    match report {
        None => (EdgeState::Unknown, Some(format!("pod {} does not know the edge yet", pod.name))),
        Some(report) => judge(pod, report),
    }
}

fn judge(pod: &RunningPod, report: &EdgeObservation) -> Seen {
    let name = &pod.name;
    let Traffic { requests, failures, .. } = report.traffic;
    match &report.probe {
        Probe::Fails { message } => {
            (EdgeState::Failing, Some(line(&format!("pod {name}: {message}"), 300)))
        }
        _ if failures > 0 => {
            (EdgeState::Failing, Some(format!("pod {name}: requests failed of late")))
        }
        Probe::Pending => (EdgeState::Unknown, Some(format!("pod {name} has not tried it yet"))),
        Probe::Works if requests > 0 => (EdgeState::Flowing, None),
        Probe::Works => (EdgeState::Reachable, None),
    }
}
