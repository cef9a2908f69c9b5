//! `OverlayConnected`: whether every peer sees every other.

use super::{Assessment, ConditionState, ConditionStatus, Reason};
use crate::{
    observe::{RunningComponent, RunningPod, text::join_items},
    plan::{Behavior, Component},
};
use maquette_contract::{PeerObservation, Role};

pub(super) fn evaluate(view: &Assessment<'_>) -> Option<ConditionState> {
    let (peers, _) =
        view.components.iter().find(|(component, _)| component.role() == Role::Peer)?;
    let Some(running) = view.running.component(&peers.name).filter(|found| !found.pods.is_empty())
    else {
        return Some(ConditionState::new(
            ConditionStatus::Unknown,
            Reason::NotReported,
            "no peer runs",
        ));
    };
    Some(evaluate_members(view, peers, running))
}

fn not_reported() -> ConditionState {
    let message = "not every peer has reported of late";
    ConditionState::new(ConditionStatus::Unknown, Reason::NotReported, message)
}

fn evaluate_members(
    view: &Assessment<'_>,
    peers: &Component,
    running: &RunningComponent,
) -> ConditionState {
    let reported =
        |pod: &RunningPod| pod.report.fresh_at(view.now).is_some_and(|o| o.peer.is_some());
    if !running.pods.iter().all(reported) {
        return not_reported();
    }
    let blind: Vec<_> =
        running.pods.iter().filter_map(|pod| missing_members(view, peers, running, pod)).collect();
    if !blind.is_empty() {
        return ConditionState::new(
            ConditionStatus::False,
            Reason::PeersMissing,
            join_items(blind),
        );
    }
    let copying = peer_reports(view, running).any(|(_, peer)| peer.under_replicated > 0);
    let message = match copying {
        true => "every peer sees every other; copies of items are being made whole",
        false => "every peer sees every other; every item has all its copies",
    };
    ConditionState::new(ConditionStatus::True, Reason::AllPeersSeen, message)
}

fn peer_reports<'a>(
    view: &'a Assessment<'_>,
    running: &'a RunningComponent,
) -> impl Iterator<Item = (&'a RunningPod, &'a PeerObservation)> {
    let report =
        |pod: &'a RunningPod| pod.report.fresh_at(view.now)?.peer.as_ref().map(|p| (pod, p));
    running.pods.iter().filter_map(report)
}

/// Which fellows the pod does not see, and members that do not run.
fn missing_members(
    view: &Assessment<'_>,
    peers: &Component,
    running: &RunningComponent,
    pod: &RunningPod,
) -> Option<String> {
    let seen = &pod.report.fresh_at(view.now)?.peer.as_ref()?.members;
    let missing: Vec<_> =
        expected_members(peers, running).into_iter().filter(|name| !seen.contains(name)).collect();
    let name = &pod.name;
    (!missing.is_empty()).then(|| format!("{name} does not see {}", missing.join(", ")))
}

/// The pods that hold items; those that hand over before they leave are none of them.
fn expected_members(peers: &Component, running: &RunningComponent) -> Vec<String> {
    let members = match &peers.behavior {
        Behavior::Peer(peer) => peer.members as usize,
        Behavior::Service(_) | Behavior::Store(_) | Behavior::Load(_) => 0,
    };
    let mut names: Vec<_> = running.pods.iter().map(|pod| pod.name.clone()).collect();
    names.sort_by_key(|name| pod_ordinal(name));
    names.truncate(members);
    names
}

fn pod_ordinal(pod: &str) -> u32 {
    pod.rsplit_once('-').and_then(|(_, ordinal)| ordinal.parse().ok()).unwrap_or(u32::MAX)
}
