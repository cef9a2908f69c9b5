//! `Progressing`: whether the operator still changes the running model to match the specification.

use super::{Assessment, ConditionState, Reason, change::ActiveChange, stalled};
use crate::observe::{VolumeNote, text::join_items};

pub(super) fn evaluate(assessment: &Assessment<'_>) -> ConditionState {
    stalled(assessment)
        .or_else(|| evolving(assessment))
        .or_else(|| components_not_ready(assessment))
        .or_else(|| volume_progress(assessment))
        .unwrap_or_else(up_to_date)
}

/// What a user must fix before the operator can go on.
fn stalled(assessment: &Assessment<'_>) -> Option<ConditionState> {
    let ConditionState { reason, message, .. } = stalled::evaluate(assessment)?;
    let message = match reason {
        Reason::Refused | Reason::Unreadable if !assessment.is_accepted() => {
            "nothing changes until the specification is accepted".to_owned()
        }
        Reason::PodsNotReady if older_pods_serve(assessment) => {
            format!("{message}; the running model still serves")
        }
        _ => message,
    };
    Some(ConditionState::new_false(reason, message))
}

/// Whether a change waits for pods that serve no request yet, beside those that do.
fn older_pods_serve(assessment: &Assessment<'_>) -> bool {
    let is_changing = assessment.target.evolution.is_some() || !assessment.target.stops.is_empty();
    is_changing
        && ActiveChange::in_progress(assessment).is_some_and(|change| !change.is_serving_stuck())
}

/// A change in progress, and issues that pass.
fn evolving(assessment: &Assessment<'_>) -> Option<ConditionState> {
    let passing = assessment.outcome.issues.iter().map(|issue| issue.message.clone());
    let slot_wait = assessment.target.slot_wait.clone();
    let waits: Vec<_> = passing.chain(assessment.waits()).chain(slot_wait).collect();
    if !waits.is_empty() {
        return Some(ConditionState::new_true(Reason::Evolving, join_items(waits)));
    }
    let change = ActiveChange::in_progress(assessment)?;
    Some(ConditionState::new_true(Reason::Evolving, change.message()))
}

fn components_not_ready(assessment: &Assessment<'_>) -> Option<ConditionState> {
    let unavailable = assessment.unavailable_components();
    if unavailable.is_empty() {
        return None;
    }
    let message = format!("waiting for {}", join_items(unavailable));
    Some(ConditionState::new_true(Reason::ComponentsNotReady, message))
}

/// Volumes that differ from the specification. No other change waits for them.
fn volume_progress(assessment: &Assessment<'_>) -> Option<ConditionState> {
    let (mut growing, mut unchanged, mut terminating) = (vec![], vec![], vec![]);
    for note in &assessment.outcome.volume_notes {
        match note {
            VolumeNote::Growing(message) => growing.push(message.clone()),
            VolumeNote::Unchanged(message) => unchanged.push(message.clone()),
            VolumeNote::Terminating(message) => terminating.push(message.clone()),
        }
    }
    if !terminating.is_empty() {
        let all = terminating.into_iter().chain(growing).chain(unchanged);
        return Some(ConditionState::new_false(Reason::VolumesTerminating, join_items(all)));
    }
    if !growing.is_empty() {
        let all = growing.into_iter().chain(unchanged);
        return Some(ConditionState::new_true(Reason::VolumesGrowing, join_items(all)));
    }
    (!unchanged.is_empty())
        .then(|| ConditionState::new_false(Reason::VolumesUnchanged, join_items(unchanged)))
}

fn up_to_date() -> ConditionState {
    ConditionState::new_false(Reason::UpToDate, "the running model matches the specification")
}
