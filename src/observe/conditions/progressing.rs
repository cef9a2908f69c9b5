//! `Progressing`: whether what runs is still being led to what is wanted.

use super::{Assessment, ConditionState, ConditionStatus, Reason};
use crate::{
    observe::{Acceptance, IssueKind, VolumeNote, component::Availability, text::join_items},
    plan::Component,
};

pub(super) fn evaluate(view: &Assessment<'_>) -> ConditionState {
    if let Some(verdict) =
        spec_refused(view).or_else(|| apply_blocked(view)).or_else(|| evolution_blocked(view))
    {
        return verdict;
    }
    let waits = view.facts.waits.iter().cloned();
    let removals = view.facts.issues.iter().map(|trouble| trouble.message.clone());
    let evolving: Vec<_> = removals.chain(waits).collect();
    if !evolving.is_empty() {
        return ConditionState::new(ConditionStatus::True, Reason::Evolving, join_items(evolving));
    }
    let missing = unavailable_components(view);
    if !missing.is_empty() {
        let message = format!("waiting for {}", join_items(missing));
        return ConditionState::new(ConditionStatus::True, Reason::ComponentsNotReady, message);
    }
    volume_progress(view).unwrap_or_else(|| {
        ConditionState::new(ConditionStatus::False, Reason::UpToDate, "what runs is what is wanted")
    })
}

fn spec_refused(view: &Assessment<'_>) -> Option<ConditionState> {
    let reason = match view.facts.acceptance {
        Acceptance::Accepted { .. } => return None,
        Acceptance::Refused { .. } => Reason::Refused,
        Acceptance::Unreadable { .. } => Reason::Unreadable,
    };
    let message = "nothing changes until the specification is accepted";
    Some(ConditionState::new(ConditionStatus::False, reason, message))
}

/// Volumes that are not as they are wanted: nothing else waits for them.
fn volume_progress(view: &Assessment<'_>) -> Option<ConditionState> {
    let notes = &view.facts.volume_notes;
    let messages = |grows: bool| -> Vec<String> {
        let message = |note: &VolumeNote| match note {
            VolumeNote::Growing(message) => grows.then(|| message.clone()),
            VolumeNote::Unchanged(message) => (!grows).then(|| message.clone()),
        };
        notes.iter().filter_map(message).collect()
    };
    let (growing, stuck) = (messages(true), messages(false));
    if !growing.is_empty() {
        let all = growing.into_iter().chain(stuck);
        return Some(ConditionState::new(
            ConditionStatus::True,
            Reason::VolumesGrowing,
            join_items(all),
        ));
    }
    (!stuck.is_empty()).then(|| {
        ConditionState::new(ConditionStatus::False, Reason::VolumesUnchanged, join_items(stuck))
    })
}

/// What stands in the way of the operator and does not go by itself.
fn apply_blocked(view: &Assessment<'_>) -> Option<ConditionState> {
    let troubles = || view.facts.issues.iter();
    let of = |kind| troubles().filter(move |t| t.kind == kind).map(|t| t.message.clone());
    let pick = |kind, reason| {
        let found: Vec<_> = of(kind).collect();
        (!found.is_empty())
            .then(|| ConditionState::new(ConditionStatus::False, reason, join_items(found)))
    };
    pick(IssueKind::Unreadable, Reason::Unreadable)
        .or_else(|| pick(IssueKind::Conflict, Reason::Conflict))
        .or_else(|| pick(IssueKind::Failed, Reason::ApplyFailed))
}

/// What stands in the way of a change and does not go by itself. What served goes on serving.
fn evolution_blocked(view: &Assessment<'_>) -> Option<ConditionState> {
    let cannot = &view.facts.blockers;
    if !cannot.is_empty() {
        return Some(ConditionState::new(
            ConditionStatus::False,
            Reason::Blocked,
            join_items(cannot.iter().cloned()),
        ));
    }
    view.facts.evolution?;
    let pods: Vec<_> =
        view.components.iter().flat_map(|(component, _)| pod_issues(view, component)).collect();
    let message = || format!("{}; what served goes on serving", join_items(pods.iter().cloned()));
    (!pods.is_empty())
        .then(|| ConditionState::new(ConditionStatus::False, Reason::PodsNotReady, message()))
}

/// Pods of a component that cannot get ready, or be made, before somebody mends something.
fn pod_issues(view: &Assessment<'_>, component: &Component) -> Vec<String> {
    let Some(found) = view.running.component(&component.name) else { return vec![] };
    let workload = found.workload.as_ref().and_then(|workload| workload.issue.as_ref());
    let workload = workload.map(|trouble| format!("{}: {trouble}", component.name));
    let pods = found.pods.iter().filter_map(|pod| {
        let trouble = pod.issue.as_ref()?;
        Some(format!("pod {}: {trouble}", pod.name))
    });
    workload.into_iter().chain(pods).collect()
}

/// Every component that lacks something, and what.
pub(super) fn unavailable_components(view: &Assessment<'_>) -> Vec<String> {
    let missing =
        view.components.iter().filter_map(|(component, availability)| match availability {
            Availability::Available => None,
            Availability::Unavailable(message) => Some(format!("{}: {message}", component.name)),
        });
    missing.collect()
}
