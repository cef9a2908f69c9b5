//! `Progressing`: whether what runs is still being led to what is wanted.

use super::{Holds, Reason, Verdict, View};
use crate::{
    observe::{Acceptance, IssueKind, VolumeNote, component::Availability, words::list},
    plan::Component,
};

pub(super) fn judge(view: &View<'_>) -> Verdict {
    if let Some(verdict) = unaccepted(view).or_else(|| blocked(view)).or_else(|| stuck(view)) {
        return verdict;
    }
    let waits = view.facts.waits.iter().cloned();
    let removals = view.facts.issues.iter().map(|trouble| trouble.message.clone());
    let evolving: Vec<_> = removals.chain(waits).collect();
    if !evolving.is_empty() {
        return Verdict::new(Holds::Yes, Reason::Evolving, list(evolving));
    }
    let missing = missing_components(view);
    if !missing.is_empty() {
        let message = format!("waiting for {}", list(missing));
        return Verdict::new(Holds::Yes, Reason::ComponentsNotReady, message);
    }
    volumes(view)
        .unwrap_or_else(|| Verdict::new(Holds::No, Reason::UpToDate, "what runs is what is wanted"))
}

fn unaccepted(view: &View<'_>) -> Option<Verdict> {
    let reason = match view.facts.acceptance {
        Acceptance::Accepted { .. } => return None,
        Acceptance::Refused { .. } => Reason::Refused,
        Acceptance::Unreadable { .. } => Reason::Unreadable,
    };
    let message = "nothing changes until the specification is accepted";
    Some(Verdict::new(Holds::No, reason, message))
}

/// Volumes that are not as they are wanted: nothing else waits for them.
fn volumes(view: &View<'_>) -> Option<Verdict> {
    let notes = &view.facts.volume_notes;
    let messages = |grows: bool| -> Vec<String> {
        let message = |note: &VolumeNote| match note {
            VolumeNote::Growing(message) => grows.then(|| message.clone()),
            VolumeNote::Stuck(message) => (!grows).then(|| message.clone()),
        };
        notes.iter().filter_map(message).collect()
    };
    let (growing, stuck) = (messages(true), messages(false));
    if !growing.is_empty() {
        let all = growing.into_iter().chain(stuck);
        return Some(Verdict::new(Holds::Yes, Reason::VolumesGrowing, list(all)));
    }
    (!stuck.is_empty()).then(|| Verdict::new(Holds::No, Reason::VolumesUnchanged, list(stuck)))
}

/// What stands in the way of the operator and does not go by itself.
fn blocked(view: &View<'_>) -> Option<Verdict> {
    let troubles = || view.facts.issues.iter();
    let of = |kind| troubles().filter(move |t| t.kind == kind).map(|t| t.message.clone());
    let pick = |kind, reason| {
        let found: Vec<_> = of(kind).collect();
        (!found.is_empty()).then(|| Verdict::new(Holds::No, reason, list(found)))
    };
    pick(IssueKind::Unreadable, Reason::Unreadable)
        .or_else(|| pick(IssueKind::Conflict, Reason::Conflict))
        .or_else(|| pick(IssueKind::Failed, Reason::ApplyFailed))
}

/// What stands in the way of a change and does not go by itself. What served goes on serving.
fn stuck(view: &View<'_>) -> Option<Verdict> {
    let cannot = &view.facts.cannot;
    if !cannot.is_empty() {
        return Some(Verdict::new(Holds::No, Reason::Blocked, list(cannot.iter().cloned())));
    }
    view.facts.evolution?;
    let pods: Vec<_> =
        view.components.iter().flat_map(|(component, _)| sick(view, component)).collect();
    let message = || format!("{}; what served goes on serving", list(pods.iter().cloned()));
    (!pods.is_empty()).then(|| Verdict::new(Holds::No, Reason::PodsNotReady, message()))
}

/// Pods of a component that cannot get ready, or be made, before somebody mends something.
fn sick(view: &View<'_>, component: &Component) -> Vec<String> {
    let Some(found) = view.running.component(&component.name) else { return vec![] };
    let workload = found.workload.as_ref().and_then(|workload| workload.trouble.as_ref());
    let workload = workload.map(|trouble| format!("{}: {trouble}", component.name));
    let pods = found.pods.iter().filter_map(|pod| {
        let trouble = pod.trouble.as_ref()?;
        Some(format!("pod {}: {trouble}", pod.name))
    });
    workload.into_iter().chain(pods).collect()
}

/// Every component that lacks something, and what.
pub(super) fn missing_components(view: &View<'_>) -> Vec<String> {
    let missing =
        view.components.iter().filter_map(|(component, availability)| match availability {
            Availability::Available => None,
            Availability::Missing(message) => Some(format!("{}: {message}", component.name)),
        });
    missing.collect()
}
