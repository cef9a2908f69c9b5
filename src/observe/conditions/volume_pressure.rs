//! `VolumePressure`: true while a volume is full or nearly so; absent otherwise.

use super::{Assessment, ConditionState, Reason, condition_types, state::held_condition};
use crate::observe::text::join_items;

/// The reasons of this condition.
const REASONS: [Reason; 2] = [Reason::VolumeFull, Reason::VolumeNearlyFull];

/// What a user can do.
const FIX: &str = "raise storage.size of the component, or delete items";

pub(super) fn evaluate(assessment: &Assessment<'_>) -> Option<ConditionState> {
    if let Some(message) = full_message(assessment) {
        return Some(ConditionState::new_true(Reason::VolumeFull, message));
    }
    let lines = &assessment.storage.nearly_full;
    if !lines.is_empty() {
        let lines = lines.iter().map(|line| format!("{line} is about 90 % full or more"));
        let message = format!("{}. Before writes are refused, {FIX}", join_items(lines));
        return Some(ConditionState::new_true(Reason::VolumeNearlyFull, message));
    }
    let is_awaited = assessment.storage.is_awaited;
    is_awaited
        .then(|| held_condition(assessment.subject, condition_types::VOLUME_PRESSURE, &REASONS))?
}

/// `Ready` is false while a volume is full: writes are refused.
pub(super) fn volume_full(assessment: &Assessment<'_>) -> Option<ConditionState> {
    let state = evaluate(assessment).filter(|state| state.reason == Reason::VolumeFull)?;
    Some(ConditionState::new_false(state.reason, state.message))
}

fn full_message(assessment: &Assessment<'_>) -> Option<String> {
    let full = &assessment.storage.full;
    let lines = full.iter().map(|line| format!("{line} is full and refuses writes"));
    (!full.is_empty())
        .then(|| format!("{}. Reads and deletes are served: {FIX}", join_items(lines)))
}
