//! `OverlayConnected`: whether every peer sees every other.

use super::{Assessment, ConditionState, Reason, condition_types, state::held_condition};
use crate::{
    observe::{REPORT_TTL, RunningComponent, first_poll, pod_ordinal, text::join_items},
    plan::{Behavior, Component},
};
use maquette_contract::{PeerObservation, Role};

/// The reasons of this condition.
const REASONS: [Reason; 3] = [Reason::AllPeersSeen, Reason::PeersMissing, Reason::NotReported];

pub(super) fn evaluate(assessment: &Assessment<'_>) -> Option<ConditionState> {
    let mut components = assessment.target.components.iter();
    let peers = components.find(|component| component.role() == Role::Peer)?;
    let state = match assessment.running.component(&peers.name) {
        Some(running) if !running.pods.is_empty() => evaluate_members(assessment, peers, running),
        _ => ConditionState::new_unknown(Reason::NotReported, "no peer runs"),
    };
    Some(state)
}

fn evaluate_members(
    assessment: &Assessment<'_>,
    peers: &Component,
    running: &RunningComponent,
) -> ConditionState {
    let Some(reports) = peer_reports(assessment, running) else {
        let held = held_condition(assessment.subject, condition_types::OVERLAY_CONNECTED, &REASONS);
        if first_poll::has_awaited(Some(running))
            && let Some(held) = held
        {
            return held;
        }
        let message = format!("not every peer reported in the last {} s", REPORT_TTL.as_secs());
        return ConditionState::new_unknown(Reason::NotReported, message);
    };
    let members = expected_members(peers, running);
    let mut blind = reports.iter().filter_map(|(pod, peer)| unseen_members(pod, peer, &members));
    if let Some(first) = blind.next() {
        let all = join_items([first].into_iter().chain(blind));
        return ConditionState::new_false(Reason::PeersMissing, all);
    }
    let message = match reports.iter().any(|(_, peer)| peer.under_replicated > 0) {
        true => "every peer sees every other; under-replicated items are being copied",
        false => "every peer sees every other; every item has all its copies",
    };
    ConditionState::new_true(Reason::AllPeersSeen, message)
}

/// The fresh report of every peer, by the pod's name; none if one has not reported.
fn peer_reports<'a>(
    assessment: &Assessment<'_>,
    running: &'a RunningComponent,
) -> Option<Vec<(&'a str, &'a PeerObservation)>> {
    let reports = running.pods.iter().map(|pod| {
        let report = pod.report.standing_at(assessment.now)?;
        Some((pod.name.as_str(), report.peer.as_ref()?))
    });
    reports.collect()
}

/// The members that the pod does not see, whether they run or not.
fn unseen_members(pod: &str, peer: &PeerObservation, members: &[String]) -> Option<String> {
    let unseen: Vec<_> =
        members.iter().filter(|name| !peer.members.contains(name)).cloned().collect();
    (!unseen.is_empty()).then(|| format!("{pod} does not see {}", unseen.join(", ")))
}

/// The pods that store items. Pods that hand over before they leave are no members.
fn expected_members(peers: &Component, running: &RunningComponent) -> Vec<String> {
    let members = match &peers.behavior {
        Behavior::Peer(peer) => peer.members as usize,
        Behavior::Service(_) | Behavior::Store(_) | Behavior::Load(_) => 0,
    };
    let mut names: Vec<_> = running.pods.iter().map(|pod| pod.name.clone()).collect();
    names.sort_by_key(|name| pod_ordinal(name).unwrap_or(u32::MAX));
    names.truncate(members);
    names
}
