//! Surplus peers are removed one at a time, the highest ordinal first, and only when the remaining
//! peers have all copies of their items.

use crate::{
    evolve::{Step, evolution::Evolution, wait::Wait},
    observe::{
        REPORT_TTL, RunningComponent, RunningPod, RunningTopology, missing_report_reason,
        pod_ordinal,
    },
    plan::{Behavior, Component},
};
use k8s_openapi::jiff::Timestamp;
use maquette_contract::Revision;

/// Raises the replicas of peers in `evolution` so that at most one pod is removed now.
pub(in crate::evolve) fn remove_peers_one_by_one(
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

/// Removes at most one of the surplus peers. Returns what the others wait for.
fn hold_back(component: &mut Component, found: &RunningComponent, now: Timestamp) -> Option<Wait> {
    let (Behavior::Peer(wanted), Some(planned)) = (&component.behavior, &found.planned) else {
        return None;
    };
    let Behavior::Peer(current) = &planned.behavior else { return None };
    let surplus = planned.replicas.checked_sub(component.replicas).filter(|n| *n > 0)?;
    let is_configured = current == wanted && current.members <= component.replicas;
    let pending = if is_configured {
        pending_handover(component.replicas, found, now)
    } else {
        Some("the configuration with fewer members is being applied".to_owned())
    };
    component.replicas = match pending {
        None => planned.replicas - 1,
        Some(_) => planned.replicas,
    };
    let unmet = pending.unwrap_or_else(|| "one pod is being removed".to_owned());
    Some(Wait::HandedOver { component: component.name.clone(), surplus, unmet })
}

/// Why no peer can be removed now: the first one that does not report that all its items are fully
/// replicated under the new configuration. `remaining` peers remain in the end.
fn pending_handover(remaining: u32, found: &RunningComponent, now: Timestamp) -> Option<String> {
    if let Some(overdue) = found.terminating.iter().find(|pod| pod.is_overdue(now)) {
        return Some(overdue.overdue_message());
    }
    if !found.terminating.is_empty() {
        return Some(format!("{} pods are still terminating", found.terminating.len()));
    }
    let workload = found.workload.as_ref();
    if !workload.is_some_and(|one| one.is_observed && one.total <= one.desired) {
        return Some("the StatefulSet has not removed the previous one yet".to_owned());
    }
    let count = found.pods.iter().filter(|pod| remains(pod, remaining)).count();
    if count != remaining as usize {
        return Some(format!("{count} of the {remaining} remaining pods run"));
    }
    let revision = found.revision.as_ref()?;
    // A surplus pod that is neither ready nor has a fresh report does not count: the remaining
    // peers are not fully replicated as long as they need it.
    let mut counted = found
        .pods
        .iter()
        .filter(|pod| remains(pod, remaining) || pod.ready || pod.report.fresh_at(now).is_some());
    counted.find_map(|pod| unmet_handover(pod, revision, now))
}

fn remains(pod: &RunningPod, remaining: u32) -> bool {
    pod_ordinal(&pod.name).is_some_and(|ordinal| ordinal < remaining)
}

fn unmet_handover(pod: &RunningPod, revision: &Revision, now: Timestamp) -> Option<String> {
    let name = &pod.name;
    let Some(report) = pod.report.fresh_at(now) else {
        return Some(missing_report_reason(pod, REPORT_TTL));
    };
    if report.revision != *revision {
        return Some(format!("{name} still runs an older configuration"));
    }
    match &report.peer {
        Some(peer) if peer.under_replicated == 0 => None,
        _ => Some(format!("{name} still copies items")),
    }
}
