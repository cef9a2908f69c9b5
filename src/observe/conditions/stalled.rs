//! `Stalled`: true while the operator cannot go on until a user fixes the cause; absent otherwise, as
//! kstatus expects. It is never there together with `Reconciling`.

use super::{Assessment, ConditionState, Reason, causes};
use crate::observe::text::join_items;

pub(super) fn evaluate(assessment: &Assessment<'_>) -> Option<ConditionState> {
    let ConditionState { reason, message, .. } = causes::spec_refused(assessment)
        .or_else(|| lasting_issue(assessment))
        .or_else(|| causes::blocked(assessment))
        .or_else(|| rollout_stopped(assessment))
        .or_else(|| stuck_components(assessment))?;
    Some(ConditionState::new_true(reason, message))
}

/// Issues that last until a user fixes them, the worst kind alone.
fn lasting_issue(assessment: &Assessment<'_>) -> Option<ConditionState> {
    let (worst, state) = causes::worst_issue(assessment)?;
    (!worst.is_transient()).then_some(state)
}

/// Pods that cannot become ready or be created without a fix.
fn stuck_components(assessment: &Assessment<'_>) -> Option<ConditionState> {
    let stuck = assessment.stuck_components();
    (!stuck.is_empty()).then(|| ConditionState::new_false(Reason::PodsNotReady, join_items(stuck)))
}

/// A change of pods that cannot go on: no further pod is changed.
fn rollout_stopped(assessment: &Assessment<'_>) -> Option<ConditionState> {
    let stops = &assessment.target.stops;
    (!stops.is_empty())
        .then(|| ConditionState::new_false(Reason::PodsNotReady, join_items(stops.iter().cloned())))
}
