//! Peers leave one at a time, the newest first, and only when everything that they hold has all its
//! copies among those who stay.

use super::{Evolution, Step, Wait};
use crate::{
    observe::{RunningComponent, RunningPod, RunningTopology, Workload},
    plan::{Behavior, Component},
};
use k8s_openapi::jiff::Timestamp;
use maquette_contract::Revision;

pub(super) fn remove_one_by_one(
    evolution: &mut Evolution,
    running: &RunningTopology,
    now: Timestamp,
) {
    for component in evolution.apply.components.values_mut() {
        let found = running.component(&component.name);
        if let Some(wait) = found.and_then(|found| hold_back(component, found, now)) {
            evolution.waits.push(wait);
            evolution.step.get_or_insert(Step::Contract);
        }
    }
}

/// Lets at most one peer of those too many go now; says what the others wait for.
fn hold_back(component: &mut Component, found: &RunningComponent, now: Timestamp) -> Option<Wait> {
    let (Behavior::Peer(wanted), Some(planned)) = (&component.behavior, &found.planned) else {
        return None;
    };
    let Behavior::Peer(told) = &planned.behavior else { return None };
    let leaving = planned.replicas.checked_sub(component.replicas).filter(|n| *n > 0)?;
    let told = told == wanted && told.members <= component.replicas;
    let lacks = if told {
        pending_handover(component.replicas, found, now)
    } else {
        Some("being told".into())
    };
    component.replicas = match lacks {
        None => planned.replicas - 1,
        Some(_) => planned.replicas,
    };
    let lacks = lacks.unwrap_or_else(|| "one leaves now".to_owned());
    Some(Wait::HandedOver { component: component.name.clone(), surplus: leaving, unmet: lacks })
}

/// Which peer does not yet report that all it holds has its copies under the new configuration. One
/// that is to leave and is neither ready nor heard of has no say: those who stay are whole only once
/// they do not need it.
fn pending_handover(staying: u32, found: &RunningComponent, now: Timestamp) -> Option<String> {
    if found.terminating > 0 {
        return Some(format!("{} more pods have not gone yet", found.terminating));
    }
    let as_told = |workload: &Workload| workload.is_observed && workload.total <= workload.desired;
    if !found.workload.as_ref().is_some_and(as_told) {
        return Some("the one told to leave has not gone yet".to_owned());
    }
    let stays = |pod: &&RunningPod| ordinal(&pod.name).is_some_and(|number| number < staying);
    let count = found.pods.iter().filter(stays).count();
    if count != staying as usize {
        return Some(format!("{count} of {staying} pods run that stay"));
    }
    let revision = found.revision.as_ref()?;
    let has_a_say =
        |pod: &&RunningPod| stays(pod) || pod.ready || pod.report.fresh_at(now).is_some();
    found.pods.iter().filter(has_a_say).find_map(|pod| unmet_handover(pod, revision, now))
}

/// The number at the end of a peer's name.
fn ordinal(pod: &str) -> Option<u32> {
    pod.rsplit_once('-')?.1.parse().ok()
}

fn unmet_handover(pod: &RunningPod, revision: &Revision, now: Timestamp) -> Option<String> {
    let name = &pod.name;
    let Some(report) = pod.report.fresh_at(now) else {
        return Some(format!("{name} has not reported of late"));
    };
    if report.revision != *revision {
        return Some(format!("{name} still runs an older configuration"));
    }
    match &report.peer {
        Some(peer) if peer.under_replicated == 0 => None,
        _ => Some(format!("{name} still copies items")),
    }
}
