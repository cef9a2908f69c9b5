//! `Progressing`: whether the operator still changes the running model to match the specification.

use super::{
    Assessment, ConditionState, Reason,
    causes::{blocked, worst_issue},
};
use crate::observe::{Acceptance, IssueKind, VolumeNote, text::join_items};

pub(super) fn evaluate(assessment: &Assessment<'_>) -> ConditionState {
    spec_refused(assessment)
        .or_else(|| apply_blocked(assessment))
        .or_else(|| blocked(assessment))
        .or_else(|| stuck_pods(assessment))
        .or_else(|| evolving(assessment))
        .or_else(|| components_not_ready(assessment))
        .or_else(|| volume_progress(assessment))
        .unwrap_or_else(up_to_date)
}

fn spec_refused(assessment: &Assessment<'_>) -> Option<ConditionState> {
    let reason = match assessment.target.acceptance {
        Acceptance::Accepted { .. } => return None,
        Acceptance::Refused { .. } => Reason::Refused,
        Acceptance::Unreadable { .. } => Reason::Unreadable,
    };
    let message = "nothing changes until the specification is accepted";
    Some(ConditionState::new_false(reason, message))
}

/// Issues that last until a user fixes them, the worst kind alone.
fn apply_blocked(assessment: &Assessment<'_>) -> Option<ConditionState> {
    let (worst, state) = worst_issue(assessment)?;
    // A removal ends by itself: see `evolving`.
    (worst != IssueKind::Removal).then_some(state)
}

/// Pods that a change waits for until a user fixes them. The running model serves as before.
fn stuck_pods(assessment: &Assessment<'_>) -> Option<ConditionState> {
    assessment.target.evolution?;
    let issues = assessment.stuck_components();
    if issues.is_empty() {
        return None;
    }
    let message = format!("{}; the running model still serves", join_items(issues));
    Some(ConditionState::new_false(Reason::PodsNotReady, message))
}

fn evolving(assessment: &Assessment<'_>) -> Option<ConditionState> {
    let removals = assessment.outcome.issues.iter().map(|issue| issue.message.clone());
    let waits: Vec<_> = removals.chain(assessment.waits()).collect();
    (!waits.is_empty()).then(|| ConditionState::new_true(Reason::Evolving, join_items(waits)))
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
