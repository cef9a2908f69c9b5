//! `OverlayConnected`: whether every peer sees every other.

use super::{Holds, Reason, Verdict, View};
use crate::{
    observe::{RunningComponent, RunningPod, words::list},
    plan::{Behavior, Component},
};
use maquette_contract::{PeerObservation, Role};

pub(super) fn judge(view: &View<'_>) -> Option<Verdict> {
    let (peers, _) =
        view.components.iter().find(|(component, _)| component.role() == Role::Peer)?;
    let Some(running) = view.running.component(&peers.name).filter(|found| !found.pods.is_empty())
    else {
        return Some(Verdict::new(Holds::Unknown, Reason::NotReported, "no peer runs"));
    };
    Some(overlay(view, peers, running))
}

fn silent() -> Verdict {
    let message = "not every peer has reported of late";
    Verdict::new(Holds::Unknown, Reason::NotReported, message)
}

fn overlay(view: &View<'_>, peers: &Component, running: &RunningComponent) -> Verdict {
    let reported = |pod: &RunningPod| pod.report.fresh(view.now).is_some_and(|o| o.peer.is_some());
    if !running.pods.iter().all(reported) {
        return silent();
    }
    let blind: Vec<_> =
        running.pods.iter().filter_map(|pod| unseen(view, peers, running, pod)).collect();
    if !blind.is_empty() {
        return Verdict::new(Holds::No, Reason::PeersMissing, list(blind));
    }
    let copying = reports(view, running).any(|(_, peer)| peer.under_replicated > 0);
    let message = match copying {
        true => "every peer sees every other; copies of items are being made whole",
        false => "every peer sees every other; every item has all its copies",
    };
    Verdict::new(Holds::Yes, Reason::AllPeersSeen, message)
}

fn reports<'a>(
    view: &'a View<'_>,
    running: &'a RunningComponent,
) -> impl Iterator<Item = (&'a RunningPod, &'a PeerObservation)> {
    let report = |pod: &'a RunningPod| pod.report.fresh(view.now)?.peer.as_ref().map(|p| (pod, p));
    running.pods.iter().filter_map(report)
}

/// Which fellows the pod does not see, and members that do not run.
fn unseen(
    view: &View<'_>,
    peers: &Component,
    running: &RunningComponent,
    pod: &RunningPod,
) -> Option<String> {
    let seen = &pod.report.fresh(view.now)?.peer.as_ref()?.members;
    let missing: Vec<_> =
        members(peers, running).into_iter().filter(|name| !seen.contains(name)).collect();
    let name = &pod.name;
    (!missing.is_empty()).then(|| format!("{name} does not see {}", missing.join(", ")))
}

/// The pods that hold items; those that hand over before they leave are none of them.
fn members(peers: &Component, running: &RunningComponent) -> Vec<String> {
    let members = match &peers.behavior {
        Behavior::Peer(peer) => peer.members as usize,
        Behavior::Service(_) | Behavior::Store(_) | Behavior::Load(_) => 0,
    };
    let mut names: Vec<_> = running.pods.iter().map(|pod| pod.name.clone()).collect();
    names.sort_by_key(|name| ordinal(name));
    names.truncate(members);
    names
}

fn ordinal(pod: &str) -> u32 {
    pod.rsplit_once('-').and_then(|(_, ordinal)| ordinal.parse().ok()).unwrap_or(u32::MAX)
}
